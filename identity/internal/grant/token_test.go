package grant

import (
	"strings"
	"testing"
)

func FuzzToken(f *testing.F) {
	f.Add(newToken(make([]byte, sharedLen)).text())
	f.Add(strings.Repeat("A", textLen-1) + "\n")
	f.Add(strings.Repeat("-_", textLen/2))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parse(text)
		if ok && (got.text() != text || len(got.own) != ownLen) {
			t.Errorf("%q was read as %q", text, got.text())
		}
		if !ok && got.shared != nil {
			t.Errorf("%q is no token, and was read", text)
		}
	})
}

func TestTokensAreReadAsWritten(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		want := newToken(newToken(nil).own)
		got, ok := parse(want.text())
		if !ok || got.text() != want.text() || seen[want.text()] || seen[string(want.shared)] {
			t.Fatalf("%q was read as %q: %v", want.text(), got.text(), ok)
		}
		seen[want.text()], seen[string(want.shared)] = true, true
	}
}
