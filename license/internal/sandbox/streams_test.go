package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// One call of a module can name millions of texts to write: none is taken after its time.
func TestNothingIsTakenAfterTheTime(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	out, log := &output{ctx: ctx, most: 100, full: func() {}}, &tail{ctx: ctx}
	for _, w := range []io.Writer{out, log} {
		if n, err := w.Write([]byte("before")); n != 6 || err != nil {
			t.Errorf("in time: %d, %v", n, err)
		}
	}
	end()
	for _, w := range []io.Writer{out, log} {
		if n, err := w.Write([]byte("after")); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("late: %d, %v", n, err)
		}
	}
	if !bytes.Equal(out.text.Bytes(), []byte("before")) || log.String() != "before" {
		t.Errorf("taken: %q, %q", out.text.Bytes(), log)
	}
}
