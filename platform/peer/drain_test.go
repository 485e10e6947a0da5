package peer_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"guildhall/platform/peer"
)

// TestStreamsHoldNoStopUp stops a process that streams to another, which would read
// on for ever.
func TestStreamsHoldNoStopUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, peer.URL("bank")+"/feed", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := shop.As("shop").Client("bank").Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := bank.shutdown(ctx); err != nil {
		t.Fatalf("the stream holds the stop up: %v", err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream ended with %v", err)
	}
}
