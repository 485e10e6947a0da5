package db

import "testing"

func TestContaining(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "%%", "Ada": "%ada%", "50%_!": "%50!%!_!!%"} {
		if got := Containing(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
