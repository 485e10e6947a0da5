package store_test

import (
	"database/sql"
	"reflect"
	"slices"
	"testing"
	"time"

	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/sdk/go/license/fingerprint"
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
		if want := w.Card(t, bound); !reflect.DeepEqual(b.Card, want) || b.Code != licensetest.Product || b.PolicyRevision != 1 {
			t.Errorf("the bound card is %+v of %q, revision %d of its policy; want %+v", b.Card, b.Code, b.PolicyRevision, want)
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
		of := func(card int, after time.Duration, once string) store.Touch {
			b := bound[hashes[card]]
			return store.Touch{Environment: b.Environment.ID, Card: b.Card.ID, Revisions: b.Revisions(), Call: "heartbeat", At: now.Add(after), Once: once, Until: now.Add(time.Hour)}
		}
		note := func(all ...store.Touch) []store.Touched { return touch(t, w, all...) }
		become := note(of(0, 2*time.Second, ""), of(0, time.Second, "x"), of(1, 3*time.Second, "y"), of(1, 4*time.Second, "y"), of(0, 0, ""))
		if want := []store.Touched{store.Noted, store.Noted, store.Noted, store.Replayed, store.Noted}; !slices.Equal(become, want) {
			t.Errorf("the requests become %v, want %v", become, want)
		}
		if become := note(of(0, time.Minute, "x"), of(1, time.Minute, "z")); become[0] != store.Replayed || become[1] != store.Noted {
			t.Errorf("in another transaction they become %v", become)
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

func TestATouchOfWhatIsAnotherByNowIsStale(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		m := w.Machine(t, "a", "198.51.100.1")
		m.Want(t, "activated ok", "activate", key)
		c := w.Card(t, key)
		read := func() store.Binding {
			found, err := w.Store.Bindings(t.Context(), [][32]byte{c.Hash})
			must(t, err)
			return found[c.Hash]
		}
		of := func(b store.Binding, after time.Duration) store.Touch {
			return store.Touch{Environment: b.Environment.ID, Card: c.ID, Revisions: b.Revisions(), Call: "heartbeat", At: w.Clock.Now().Add(after)}
		}
		for _, x := range []struct {
			name   string
			change func()
		}{ // in their order
			{"a suspended card", func() { must1(t)(w.Cards.Suspend(t.Context(), c.ID, "unpaid", licensetest.By)) }},
			{"a resumed card", func() { must1(t)(w.Cards.Resume(t.Context(), c.ID, licensetest.By)) }},
			{"another address", func() { m.IP = m.IP.Next(); m.Want(t, "ok ok", "validate", key) }},
			{"another fingerprint", func() {
				m.Components[fingerprint.MAC] = licensetest.Digest("new card")
				m.Want(t, "ok ok", "validate", key)
			}},
			{"another policy", func() {
				p, err := w.Store.Policy(t.Context(), c.Policy)
				must(t, err)
				rules, err := policy.Parse([]byte(p.Body))
				must(t, err)
				rules.Heartbeat++
				_, err = w.Catalogue.ChangePolicy(t.Context(), p.ID, p.Name, rules, p.Revision, licensetest.By)
				must(t, err)
			}},
		} {
			name, before := x.name, read()
			x.change()
			after := read()
			if before.Revisions() == after.Revisions() {
				t.Errorf("%s: the revisions stay %+v", name, before.Revisions())
			}
			if got := touch(t, w, of(before, time.Hour)); got[0] != store.Stale {
				t.Errorf("%s: a touch of what was before becomes %v", name, got)
			}
			if e := read().Environment; !e.SeenAt.Equal(after.Environment.SeenAt) {
				t.Errorf("%s: the stale touch moved when it was seen from %s to %s", name, after.Environment.SeenAt, e.SeenAt)
			}
			if got := touch(t, w, of(before, 0), of(after, time.Second)); !slices.Equal(got, []store.Touched{store.Stale, store.Noted}) {
				t.Errorf("%s: touches of before and after become %v", name, got)
			}
		}
		bound := read()
		must1(t)(w.Cards.Unbind(t.Context(), c.ID, "moved", licensetest.By))
		if got := touch(t, w, of(bound, time.Hour)); got[0] != store.Stale {
			t.Errorf("a touch of an unbound card becomes %v", got)
		}
	})
}

func touch(t *testing.T, w *licensetest.World, all ...store.Touch) (become []store.Touched) {
	t.Helper()
	must(t, w.Journal.Group(t.Context(), func(tx *sql.Tx) (err error) {
		become, err = w.Store.Touch(t.Context(), tx, all)
		return err
	}))
	return become
}
