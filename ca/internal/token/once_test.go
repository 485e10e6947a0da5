package token_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/token"
)

// TestAnIDMakesOneToken asks many times at once under the same id.
func TestAnIDMakesOneToken(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		id := token.NewID()
		if !token.IsID(id) || token.IsID("jtk_short") || token.IsID("crt_"+id[4:]) {
			t.Error("ids are not told from other texts")
		}
		var made atomic.Int64
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				switch _, _, err := w.Tokens.CreateAs(t.Context(), id, "shop", time.Hour, catest.Admin); {
				case err == nil:
					made.Add(1)
				case !errors.Is(err, token.ErrMadeBefore):
					t.Errorf("once more: %v", err)
				}
			})
		}
		all.Wait()
		list, err := w.Tokens.List(t.Context())
		if err != nil || len(list) != 1 || made.Load() != 1 {
			t.Errorf("%d tokens, %d made, %v", len(list), made.Load(), err)
		}
		w.VerifyAudit(t)
	})
}
