package signing_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/identity/internal/signing"
)

func exec(t testing.TB, query string) func(tx *sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query)
		return err
	}
}

func TestOneKeyFollowsAnother(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.Start(t.Context()))
		steps := []struct {
			after time.Duration
			want  []signing.State
		}{
			{0, []signing.State{"signing"}},
			{signing.DefaultLife - signing.DefaultAhead - time.Microsecond, []signing.State{"signing"}},
			{time.Microsecond, []signing.State{"signing", "announced"}},
			{signing.DefaultAhead - time.Microsecond, []signing.State{"signing", "announced"}},
			{time.Microsecond, []signing.State{"published", "signing"}},
			{signing.DefaultKeep - time.Microsecond, []signing.State{"published", "signing"}},
			{time.Microsecond, []signing.State{"signing"}},
		}
		first := sign(t, w.Desk, "ES256")
		for i, step := range steps {
			w.clock.Advance(step.after)
			must(t, w.Keep(t.Context()))
			if got := states(t, w.Desk, "ES256"); !slices.Equal(got, step.want) {
				t.Fatalf("step %d: %v, want %v", i, got, step.want)
			}
			good(t, w.Desk, sign(t, w.Desk, "ES256"), "now")
			if i == len(steps)-1 {
				bad(t, w.Desk, first, "the first key is gone")
			} else {
				good(t, w.Desk, first, "the first key is published")
			}
		}
		if n := w.actions(t, "key.retired"); n != 3 {
			t.Errorf("%d keys were retired", n)
		}
	})
}

func TestRotate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.Start(t.Context()))
		old := set(t, w.Desk)
		must(t, w.Rotate(t.Context(), by))
		if got := set(t, w.Desk); len(got.Keys) != 6 {
			t.Fatalf("%d keys are published", len(got.Keys))
		}
		token := sign(t, w.Desk, "ES256")
		if err := w.Rotate(t.Context(), by); !errors.Is(err, signing.ErrAnnounced) {
			t.Errorf("rotated again: %v", err)
		}
		w.clock.Advance(signing.DefaultAhead)
		next := sign(t, w.Desk, "ES256")
		good(t, w.Desk, token, "of the old key")
		good(t, w.Desk, next, "of the new key")
		must(t, w.Rotate(t.Context(), by))
		w.clock.Advance(signing.DefaultKeep)
		must(t, w.Keep(t.Context()))
		for _, k := range set(t, w.Desk).Keys {
			if len(old.Key(k.KeyID)) > 0 {
				t.Errorf("%s is still published", k.KeyID)
			}
		}
		if n := w.actions(t, "key.made"); n != 9 {
			t.Errorf("%d keys stand in the audit log", n)
		}
	})
}

func TestReplace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.Start(t.Context()))
		must(t, w.Rotate(t.Context(), by))
		tokens := map[string]string{}
		for _, algorithm := range signing.Algorithms() {
			tokens[algorithm] = sign(t, w.Desk, algorithm)
		}
		must(t, w.Replace(t.Context(), by))
		for algorithm, token := range tokens {
			bad(t, w.Desk, token, "the old "+algorithm)
			good(t, w.Desk, sign(t, w.Desk, algorithm), "the new "+algorithm)
			if got := states(t, w.Desk, algorithm); !slices.Equal(got, []signing.State{"signing"}) {
				t.Errorf("%s: %v", algorithm, got)
			}
		}
		if made, gone := w.actions(t, "key.replaced"), w.actions(t, "key.retired"); made != 3 || gone != 6 {
			t.Errorf("%d keys replaced %d", made, gone)
		}
	})
}

// A token that was verified before is worth as little as any other when its key is
// gone: at once where it was replaced and where its time is over, and on other nodes
// when they know.
func TestVerifiedBeforeIsNoMatterWithoutItsKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.Start(t.Context()))
		other := w.node(w.clock, w.key)
		must(t, other.Start(t.Context()))
		for _, algorithm := range signing.Algorithms() {
			token := sign(t, w.Desk, algorithm)
			for range 2 {
				good(t, w.Desk, token, algorithm)
				good(t, other, token, algorithm)
			}
			parts := strings.Split(token, ".")
			bad(t, w.Desk, parts[0]+"."+b64(`{"sub":"usr_2"}`)+"."+parts[2], "its signature under other claims")
			bad(t, w.Desk, token+"\n", "its text and a line end")
			got, err := w.Verify(t.Context(), token)
			must(t, err)
			clear(got.Payload)
			good(t, w.Desk, token, "whose claims somebody changed for himself")

			must(t, w.Replace(t.Context(), by))
			bad(t, w.Desk, token, algorithm+" after its key was replaced")
			w.clock.Advance(10 * time.Second)
			bad(t, other, token, algorithm+" on another node, seconds later")
		}
		token := sign(t, w.Desk, "ES256")
		must(t, w.Rotate(t.Context(), by))
		w.clock.Advance(signing.DefaultAhead + signing.DefaultKeep - time.Microsecond)
		good(t, w.Desk, token, "while its key is published")
		w.clock.Advance(time.Microsecond)
		bad(t, w.Desk, token, "no longer")
	})
}

// Whenever the job runs and whoever rotates, there is a key that signs; it was
// published long enough before; and no token outlives its key.
func TestTimesOfKeys(t *testing.T) {
	t.Parallel()
	w := started(t)
	published := map[string]time.Time{} // since when, by key
	for _, k := range set(t, w.Desk).Keys {
		published[k.KeyID] = w.clock.Now().Add(-signing.DefaultAhead)
	}
	type issued struct {
		token string
		until time.Time
	}
	var tokens []issued
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 5).Draw(rt, "steps") {
			w.clock.Advance(time.Duration(rapid.Int64Range(0, int64(30*24*time.Hour)).Draw(rt, "pause")))
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0:
				if err := w.Rotate(context.Background(), by); err != nil && !errors.Is(err, signing.ErrAnnounced) {
					rt.Fatal(err)
				}
			case 1: // the job did not run
			default:
				if err := w.Keep(context.Background()); err != nil {
					rt.Fatal(err)
				}
			}
			now := w.clock.Now()
			for _, k := range set(t, w.Desk).Keys {
				if _, known := published[k.KeyID]; !known {
					published[k.KeyID] = now
				}
			}
			for _, k := range list(t, w.Desk) {
				if k.State == signing.Signing && now.Sub(published[k.ID]) < signing.DefaultAhead {
					rt.Fatalf("%+v signs, and is published since %v", k, published[k.ID])
				}
			}
			if got := states(t, w.Desk, "EdDSA"); len(got) > 4 {
				rt.Fatalf("there are %d keys: %v", len(got), got)
			}
			tokens = slices.DeleteFunc(tokens, func(i issued) bool { return !now.Before(i.until) })
			tokens = append(tokens, issued{sign(t, w.Desk, "EdDSA"), now.Add(signing.DefaultKeep)})
			for _, i := range tokens {
				good(t, w.Desk, i.token, "while it lives")
			}
		}
	})
}
