package device

import (
	"strings"
	"testing"
)

func TestUserCodesUseAllLettersAlike(t *testing.T) {
	t.Parallel()
	count := map[rune]int{}
	const codes = 5000
	for range codes {
		code := newUserCode()
		if got, ok := typed(shown(code)); !ok || got != code {
			t.Fatalf("%q was read as %q", code, got)
		}
		for _, r := range code {
			count[r]++
		}
	}
	for _, r := range letters {
		if n := count[r]; n < 1600 || n > 2400 { // 2000 are expected, with a deviation of 44
			t.Errorf("%c stands %d times in %d codes", r, n, codes)
		}
	}
	if len(count) != len(letters) {
		t.Errorf("letters %v", count)
	}
}

func FuzzTyped(f *testing.F) {
	f.Add("BCDF-GHJK")
	f.Add(" bcdf ghjk ")
	f.Add("BCDFGHJ\u212a") // the sign of kelvin is no K
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		code, ok := typed(text)
		if ok && (len(code) != codeLen || strings.Trim(code, letters) != "") || !ok && code != "" {
			t.Errorf("%q was read as %q, %v", text, code, ok)
		}
	})
}
