package peer_test

import (
	"encoding/json"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/platform/peer"
)

func FuzzOpenHead(f *testing.F) {
	l := newList(2)
	public := l.key.Public()
	f.Add(l.head(0, 2, epoch))
	f.Add(l.head(0, 0, time.Time{}))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, signed []byte) {
		h, err := peer.OpenHead(signed, mustKey(t, public))
		if err != nil {
			return
		}
		again, err := h.Sign(l.key)
		if err != nil || string(again) != string(signed) {
			t.Fatalf("%+v does not sign to what it was read from: %v", h, err)
		}
	})
}

func FuzzUpdate(f *testing.F) {
	l := newList(3)
	add := func(u peer.Update) {
		line, err := json.Marshal(u)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	add(peer.Update{Base: &peer.Base{}, Revocations: l.entries, Head: l.head(0, 3, epoch)})
	add(peer.Update{Revocations: l.entries[:1]})
	add(peer.Update{Head: l.head(0, 0, epoch)})
	f.Add([]byte(`{"revocations":[{"seq":1,"serial":"zz"}]}`))
	f.Add([]byte(`{"base":{"sequence":18446744073709551615,"hash":"00"}} {}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		u, err := peer.ParseUpdate(line)
		if err != nil {
			return
		}
		r := l.subscriber(guildtest.NewClock(epoch))
		mustApply(t, r, peer.Update{Revocations: l.entries[:1], Head: l.head(0, 1, epoch.Add(-time.Millisecond))})
		_, _ = r.Apply(u)
		// Whatever came: only signed prefixes of the list can count.
		if n := r.Sequence(); n < 1 || n > 3 || r.Size() != int(n) {
			t.Fatalf("at %d with %d entries after %s", n, r.Size(), line)
		}
		if _, err := json.Marshal(u); err != nil {
			t.Fatalf("does not encode again: %v", err)
		}
	})
}
