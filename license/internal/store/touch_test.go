package store_test

import (
	"database/sql"
	"reflect"
	"testing"
	"time"

	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/store"
)

func TestBoundCardsAreReadTogether(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		bound, fresh, moved := w.CardKey(t, nil), w.CardKey(t, nil), w.CardKey(t, nil)
		m := w.Machine(t, "m", "198.51.100.1")
		m.Want(t, "activated ok", "activate", bound)
		m.Want(t, "activated ok", "activate", moved)
		must1(t)(w.Cards.Unbind(t.Context(), w.Card(t, moved).ID, "moved", licensetest.By))
		var hashes [][32]byte
		for _, key := range []string{bound, fresh, moved} {
			hashes = append(hashes, w.Card(t, key).Hash)
		}
		found, err := w.Store.Bindings(t.Context(), append(hashes, [32]byte{1}))
		must(t, err)
		b, ok := found[hashes[0]]
		if len(found) != 1 || !ok {
			t.Fatalf("%d bound cards were found, and the bound one: %t", len(found), ok)
		}
		if want := w.Card(t, bound); !reflect.DeepEqual(b.Card, want) || b.Code != licensetest.Product || b.Revision != 1 {
			t.Errorf("the bound card is %+v of %q, revision %d of its policy; want %+v", b.Card, b.Code, b.Revision, want)
		}
		if b.Environment.Card != b.Card.ID || b.Environment.IP != "198.51.100.1" || len(b.Environment.Fingerprint) != len(m.Components) {
			t.Errorf("its environment is %+v", b.Environment)
		}
	})
}

func TestTouchesAreNotedTogetherAndOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		keys := []string{w.CardKey(t, nil), w.CardKey(t, nil)}
		hashes := [][32]byte{w.Card(t, keys[0]).Hash, w.Card(t, keys[1]).Hash}
		for i, name := range []string{"a", "b"} {
			w.Machine(t, name, "198.51.100.1").Want(t, "activated ok", "activate", keys[i])
		}
		bound, err := w.Store.Bindings(t.Context(), hashes)
		must(t, err)
		now := w.Clock.Now().Add(time.Hour)
		touch := func(card int, after time.Duration, once string) store.Touch {
			b := bound[hashes[card]]
			return store.Touch{Environment: b.Environment.ID, Card: b.Card.ID, Call: "heartbeat", At: now.Add(after), Once: once, Until: now.Add(time.Hour)}
		}
		note := func(all ...store.Touch) (fresh []bool) {
			must(t, w.Journal.Group(t.Context(), func(tx *sql.Tx) (err error) {
				fresh, err = w.Store.Touch(t.Context(), tx, all)
				return err
			}))
			return fresh
		}
		fresh := note(touch(0, 2*time.Second, ""), touch(0, time.Second, "x"), touch(1, 3*time.Second, "y"), touch(1, 4*time.Second, "y"), touch(0, 0, ""))
		for i, want := range []bool{true, true, true, false, true} {
			if fresh[i] != want {
				t.Errorf("request %d is fresh: %t", i, fresh[i])
			}
		}
		if fresh := note(touch(0, time.Minute, "x"), touch(1, time.Minute, "z")); fresh[0] || !fresh[1] {
			t.Errorf("in another transaction x is fresh: %t, and z: %t", fresh[0], fresh[1])
		}
		after, err := w.Store.Bindings(t.Context(), hashes)
		must(t, err)
		for i, want := range []time.Time{now.Add(2 * time.Second), now.Add(time.Minute)} {
			if e := after[hashes[i]].Environment; !e.SeenAt.Equal(want) || e.LastCall != "heartbeat" {
				t.Errorf("environment %d was seen at %s by %s, want %s", i, e.SeenAt, e.LastCall, want)
			}
		}
		for i, want := range []int64{3, 2} {
			used, err := w.Store.Usage(t.Context(), bound[hashes[i]].Card.ID, now)
			must(t, err)
			if len(used) != 1 || used[0].Count != want || used[0].Call != "heartbeat" {
				t.Errorf("card %d was used %+v, want %d heartbeats", i, used, want)
			}
		}
	})
}
