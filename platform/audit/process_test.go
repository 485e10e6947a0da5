package audit

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// An action that the list forgets could not be asked for.
func TestProcessActionsAreAll(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("process.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`\t\w+ += "([a-z_]+\.[a-z_]+)"`).FindAllSubmatch(source, -1) {
		want = append(want, string(m[1]))
	}
	if got := ProcessActions(); len(want) < 10 || !slices.Equal(got, want) {
		t.Errorf("ProcessActions are %q, the constants %q", got, want)
	}
}
