package feed_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/platform/peer"
)

// A service that comes under ever new marks must not make each revocation wait
// for ever more leases.
func TestOneServiceCannotCrowdTheFeed(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Now())
	d := desk{guildtest.Open(t, guildtest.SQLite(t), migrations()), clock.Now}
	h, _ := newHub(t, d, newKey(t), nil)
	// Who comes before the first head is lent nothing, and forgotten at once.
	heard := errors.New("heard")
	err := h.Subscribe(within(t), peer.Subscriber{Service: "bank", Instance: "first"}, 0, func(peer.Update) error { return heard })
	if !errors.Is(err, heard) {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	come := func(service, mark string) error {
		return h.Subscribe(gone, peer.Subscriber{Service: service, Instance: mark}, 0, func(peer.Update) error { return nil })
	}
	crowded := func(err error) bool { return err != nil && strings.Contains(err.Error(), "too many subscribers") }
	var n int
	for n = 0; n < 1000 && !crowded(come("shop", fmt.Sprint("s", n))); n++ {
	}
	if n < 100 || n == 1000 {
		t.Fatalf("refused after %d", n)
	}
	if err := come("shop", "s0"); crowded(err) {
		t.Error("a known process was refused")
	}
	if err := come("bank", "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("another service: %v", err)
	}
	clock.Advance(time.Hour)
	deadline, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for crowded(come("shop", "later")) {
		select {
		case <-deadline.Done():
			t.Fatal("refused after all leases had ended")
		case <-tick.C:
		}
	}
}
