package code

import (
	"strings"
	"testing"
)

func FuzzClean(f *testing.F) {
	for _, text := range []string{"123456", " 12-34 56\n", "１２３４５６", "٠١٢٣٤٥", "1e5", "", "12345\x00", "½½½", strings.Repeat("1", 99)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := clean(text)
		if !ok {
			if got != "" {
				t.Errorf("%q is refused and is %q", text, got)
			}
			return
		}
		if len(got) != digits || strings.Trim(got, "0123456789") != "" {
			t.Errorf("%q becomes %q", text, got)
		}
		if again, ok := clean(got); !ok || again != got {
			t.Errorf("%q becomes %q, and that %q", text, got, again)
		}
	})
}

func TestDrawHasSixDigits(t *testing.T) {
	t.Parallel()
	seen := map[byte]bool{}
	for range 2000 {
		text := draw()
		if len(text) != digits {
			t.Fatalf("drew %q", text)
		}
		seen[text[0]] = true
	}
	if len(seen) != 10 {
		t.Errorf("2000 codes begin with %d different digits", len(seen))
	}
}
