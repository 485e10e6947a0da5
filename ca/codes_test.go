package ca

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

var codePattern = regexp.MustCompile(`(?:fault\.New\(fault\.\w+,\s*|Code:\s*)"([a-z0-9_]+)"`)

// Programs tell errors apart by their codes: each that the sources know stands in
// the guide to the API.
func TestTheGuideListsEveryErrorCode(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/guides/api.md")
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	err = fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range codePattern.FindAllSubmatch(text, -1) {
			if known++; !strings.Contains(string(guide), "`"+string(found[1])+"`") {
				t.Errorf("%s: docs/guides/api.md does not list `%s`", path, found[1])
			}
		}
		return err
	})
	if err != nil || known < 50 {
		t.Errorf("%d codes, %v", known, err)
	}
}
