package guildtest

import "testing"

func TestPairsOfLooks(t *testing.T) {
	t.Parallel()
	seen := map[any]bool{}
	type colour struct {
		width int
		dark  bool
	}
	type text struct {
		lang string
		of   any
	}
	for _, l := range pairs() {
		seen[colour{l.Width, l.Dark}], seen[text{l.Lang, l.Width}], seen[text{l.Lang, l.Dark}] = true, true, true
	}
	if len(pairs()) != 6 || len(seen) != 2*2+3*2+3*2 {
		t.Errorf("%d looks show %d pairs: %v", len(pairs()), len(seen), pairs())
	}
}
