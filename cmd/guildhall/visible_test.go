package main

import (
	"bytes"
	"testing"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Zażółć 公会 👩\u200d💻":         "Zażółć 公会 👩\u200d💻",
		"evil\x1b[31mred":            `evil\u001b[31mred`,
		"a\u202egpj.exe\r\x7f\u009b": `a\u202egpj.exe\u000d\u007f\u009b`,
		"two\nlines\tand tabs":       "two\nlines\tand tabs",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q became %q, wanted %q", text, got, want)
		}
	}
	if got := oneLine("evil\nline"); got != `evil\u000aline` {
		t.Errorf("one line: %q", got)
	}
	var out, wrong bytes.Buffer
	shown := terminal{out: &out, err: &wrong}
	shown.printf("%s %d\n", "a\x1bb", 7)
	shown.warn("c\x1bd")
	if out.String() != "a\\u001bb 7\n" || wrong.String() != "guildhall: c\\u001bd\n" {
		t.Errorf("printed %q and %q", &out, &wrong)
	}
}
