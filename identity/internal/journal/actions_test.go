package journal_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"guildhall/identity/internal/journal"
)

// An action that the list forgets could not be asked for.
func TestActionsAreAll(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("journal.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`\t\w+ += "([a-z_]+\.[a-z_]+)"`).FindAllSubmatch(source, -1) {
		want = append(want, string(m[1]))
	}
	got := slices.Sorted(slices.Values(journal.Actions()))
	if slices.Sort(want); len(want) < 25 || !slices.Equal(got, want) {
		t.Errorf("Actions are %q, the constants %q", got, want)
	}
}
