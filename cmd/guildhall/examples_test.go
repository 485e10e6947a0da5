package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var word = regexp.MustCompile(`"[^"]*"|\S+`)

// TestEachCommandOfLicenseHasAnExample: and the command line takes it.
func TestEachCommandOfLicenseHasAnExample(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("press-2.1.0.tar.gz", nil, 0o600); err != nil { // which has to be there
		t.Fatal(err)
	}
	parser := kong.Must(newCLI(), kong.Name("guildhall"))
	used := 0
	for _, n := range parser.Model.Leaves(true) {
		found := examplesOf(n)
		used += len(found)
		if len(found) == 0 && strings.HasPrefix(n.Path(), "license ") {
			t.Errorf("%s has no example", n.Path())
		}
		for _, line := range found {
			var args []string
			for _, w := range word.FindAllString(line, -1)[1:] {
				args = append(args, strings.Trim(w, `"`))
			}
			for _, f := range slices.Concat(n.AllFlags(false)...) { // of the example before
				f.Set = false
			}
			parsed, err := parser.Parse(args)
			if err != nil {
				t.Errorf("%s: %v", line, err)
			} else if parsed.Selected().Path() != n.Path() {
				t.Errorf("%s runs %s", line, parsed.Selected().Path())
			}
		}
	}
	if used != len(examples) {
		t.Errorf("%d of %d examples are of a command", used, len(examples))
	}
}

func TestHelpShowsExamples(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if code := run(t.Context(), []string{"license", "card", "extend", "--help"}, terminal{out: &out, err: &out}); code != exitOK {
		t.Errorf("exit %d", code)
	}
	if !strings.Contains(out.String(), "\nFor example:\n  guildhall license card extend 7K3M --days 30\n") {
		t.Errorf("the help: %s", out.String())
	}
}
