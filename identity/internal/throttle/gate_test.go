package throttle_test

import (
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

var migrations = os.DirFS("../../migrations")

var by = identitytest.By

func worlds(t *testing.T, test func(t *testing.T, w *identitytest.World)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, migrations, func(t *testing.T, d *db.DB) { test(t, identitytest.New(t, d)) })
}

func allow(t testing.TB, w *identitytest.World, keys ...throttle.Key) (wait time.Duration) {
	t.Helper()
	err := w.Gate.Allow(t.Context(), keys...)
	if err != nil && !errors.Is(err, throttle.ErrThrottled) {
		t.Fatal(err)
	}
	return fault.As(err).RetryAfter
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The attack that beats counters which are read first and written later.
func TestParallelGuessesAreCountedOneByOne(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		var looked atomic.Int64
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				err := w.Gate.Allow(t.Context(), throttle.Account("password:anna"))
				if err == nil {
					looked.Add(1)
				} else if !errors.Is(err, throttle.ErrThrottled) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := looked.Load(); n != 5 {
			t.Errorf("%d of 1000 guesses were looked at", n)
		}
	})
}

func TestDelaysGrowToTheirBound(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		key := throttle.Account("x")
		for i := range 5 {
			if wait := allow(t, w, key); wait != 0 {
				t.Fatalf("try %d waits %v", i+1, wait)
			}
			check(t, w.Gate.Failed(t.Context(), by, key))
		}
		var waits []time.Duration
		for range 14 {
			wait := allow(t, w, key)
			waits = append(waits, wait)
			w.Clock.Advance(wait - time.Microsecond)
			if allow(t, w, key) == 0 {
				t.Fatalf("a try came through before %v", wait)
			}
			w.Clock.Advance(time.Microsecond)
			if wait := allow(t, w, key); wait != 0 {
				t.Fatalf("still waits %v", wait)
			}
			check(t, w.Gate.Failed(t.Context(), by, key))
		}
		const s, m = time.Second, 15 * time.Minute
		want := []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s, 128 * s, 256 * s, 512 * s, m, m, m, m}
		if !slices.Equal(waits, want) {
			t.Errorf("the delays are %v", waits)
		}
		if locks := count(w.Actions(t, 0), journal.Locked); locks != 15 {
			t.Errorf("%d locks are recorded", locks)
		}
		// After a day without any, it begins anew.
		w.Clock.Advance(24*time.Hour + time.Second)
		for range 5 {
			if wait := allow(t, w, key); wait != 0 {
				t.Fatalf("the next day waits %v", wait)
			}
		}
	})
}

func TestSuccessForgetsFailuresOfTheAccountAlone(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		account, address := throttle.Account("anna"), throttle.Address("192.0.2.1:4711")
		fail := func(keys ...throttle.Key) {
			t.Helper()
			if wait := allow(t, w, keys...); wait != 0 {
				t.Fatalf("waits %v", wait)
			}
			check(t, w.Gate.Failed(t.Context(), by, keys...))
		}
		for range 5 {
			fail(account, address)
		}
		w.Clock.Advance(time.Second)
		if wait := allow(t, w, account, address); wait != 0 {
			t.Fatalf("waits %v", wait)
		}
		check(t, w.Gate.Succeeded(t.Context(), by, account, address))
		if n := count(w.Actions(t, 0), journal.Unlocked); n != 1 {
			t.Errorf("%d unlocks are recorded", n)
		}
		// 15 more from there, at others: 20 in all, whoever signed in in between.
		for range 15 {
			fail(address)
		}
		if wait := allow(t, w, address); wait != time.Second {
			t.Errorf("the address waits %v", wait)
		}
		if wait := allow(t, w, throttle.Address("192.0.2.2")); wait != 0 {
			t.Errorf("its neighbour waits %v", wait)
		}
		// A refused try counts for none of its keys.
		for range 5 {
			if wait := allow(t, w, account, address); wait == 0 {
				t.Error("a try from a blocked address came through")
			}
		}
		for i := range 5 {
			if wait := allow(t, w, account); wait != 0 {
				t.Errorf("try %d at the account waits %v", i+1, wait)
			}
		}
	})
}

func TestReleaseLeavesNoTrace(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		key := throttle.Account("anna")
		for range 4 {
			allow(t, w, key)
		}
		for range 50 {
			if wait := allow(t, w, key); wait != 0 {
				t.Fatalf("waits %v", wait)
			}
			check(t, w.Gate.Release(t.Context(), key))
		}
		if allow(t, w, key) != 0 || allow(t, w, key) == 0 {
			t.Error("release forgot failures, or added some")
		}
	})
}

func TestCleanForgetsTheOld(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		allow(t, w, throttle.Account("old"))
		w.Clock.Advance(25 * time.Hour)
		allow(t, w, throttle.Account("new"))
		check(t, w.Gate.Clean(t.Context()))
		var n int
		check(t, w.DB.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM attempts`).Scan(&n))
		if n != 1 {
			t.Errorf("%d rows are left", n)
		}
		var key string
		check(t, w.DB.Read.QueryRowContext(t.Context(), `SELECT key FROM attempts`).Scan(&key))
		if key == "account:new" || len(key) != len("account:")+32 {
			t.Errorf("the key is kept as %q", key)
		}
	})
}

// Whatever happens in whatever order, between two successes no more than five
// tries are looked at without a delay, and later ones only after theirs.
func TestGateAgainstAModel(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, guildtest.Open(t, guildtest.SQLite(t), migrations))
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		key := throttle.Account("run" + string(rune('a'+run%26)) + time.Duration(run).String())
		failures, until := 0, time.Time{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			w.Clock.Advance(time.Duration(rapid.IntRange(0, 20).Draw(rt, "seconds")) * time.Second)
			now := w.Clock.Now()
			wait := allow(t, w, key)
			if want := max(0, until.Sub(now)); wait != want {
				rt.Fatalf("after %d failures waits %v, not %v", failures, wait, want)
			}
			if wait > 0 {
				continue
			}
			switch rapid.SampledFrom([]string{"fail", "fail", "fail", "crash", "succeed", "release"}).Draw(rt, "outcome") {
			case "fail":
				check(t, w.Gate.Failed(t.Context(), by, key))
				failures++
			case "crash":
				failures++
			case "succeed":
				check(t, w.Gate.Succeeded(t.Context(), by, key))
				failures, until = 0, time.Time{}
				continue
			case "release":
				check(t, w.Gate.Release(t.Context(), key))
				continue
			}
			if failures >= 5 {
				until = now.Add(min(15*time.Minute, time.Second<<(failures-5)))
			}
		}
	})
}

func count(all []string, action string) (n int) {
	for _, a := range all {
		if a == action {
			n++
		}
	}
	return n
}
