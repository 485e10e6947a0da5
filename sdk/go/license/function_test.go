package license

import (
	"bytes"
	"errors"
	"testing"

	"guildhall/sdk/go/license/sealed"
)

func TestAFunctionIsCalledAndItsFailureTakesNoLease(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx := newWorld(t), t.Context()
		c := w.active(mode, t.TempDir())
		for _, input := range [][]byte{nil, []byte("how much?\x00"), bytes.Repeat([]byte{0xff}, MaxInput)} {
			if out, err := c.Call(ctx, "price", input); err != nil || !bytes.Equal(out, input) {
				t.Errorf("%d bytes: %d came back, %v", len(input), len(out), err)
			}
		}
		if _, err := c.Call(ctx, "price", make([]byte, MaxInput+1)); !errors.Is(err, ErrKit) {
			t.Errorf("too long: %v", err)
		}
		w.set(func() { w.refuse = "function_time" })
		if _, err := c.Call(ctx, "price", nil); code(err) != "function_time" {
			t.Errorf("too slow: %v", err)
		}
		w.set(func() { w.down = true })
		if _, err := c.Call(ctx, "price", nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("without the server: %v", err)
		}
		if s, err := c.Validate(ctx); err != nil || !s.Cached {
			t.Errorf("the lease: %+v, %v", s, err)
		}
		w.set(func() { w.down, w.refuse = false, "card_revoked" })
		if _, err := c.Call(ctx, "price", nil); code(err) != "card_revoked" {
			t.Errorf("revoked: %v", err)
		}
		w.set(func() { w.down = true })
		if _, err := c.Validate(ctx); !errors.Is(err, ErrUnreachable) {
			t.Errorf("after the card was revoked: %v", err)
		}
	})
}
