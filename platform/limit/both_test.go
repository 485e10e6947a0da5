package limit_test

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/platform/guildtest"
	"guildhall/platform/limit"
	"guildhall/platform/shared"
)

// patient is a time-out that no machine is too busy for: what is counted is what
// these tests are about, not how soon.
const patient = time.Minute

// connect reaches a server as one node does.
func connect(t testing.TB, url string, timeout time.Duration) *shared.Server {
	t.Helper()
	address, err := shared.ParseAddress(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := shared.Open(t.Context(), shared.Options{Address: address, Timeout: timeout, Scope: "guild.example.test", Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(s.Close)
	return s
}

// nodes makes two limiters that count together: for the embedded one, twice the same.
type nodes func(name string, o limit.Options) [2]limit.Limiter

// both runs the suite on both kinds of limiter.
func both(t *testing.T, suite func(t *testing.T, pair nodes)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		suite(t, func(_ string, o limit.Options) [2]limit.Limiter { l := limit.New(o); return [2]limit.Limiter{l, l} })
	})
	t.Run("shared", func(t *testing.T) {
		url := guildtest.NewRedis(t).URL("")
		one, two := connect(t, url, patient), connect(t, url, patient)
		suite(t, func(name string, o limit.Options) [2]limit.Limiter {
			return [2]limit.Limiter{limit.NewShared(one, name, o), limit.NewShared(two, name, o)}
		})
		for _, s := range []*shared.Server{one, two} {
			if err := s.Problem(); err != nil {
				t.Errorf("the server was not asked: %v", err)
			}
		}
	})
}

// anHour is a rate that gives nothing back while a test runs.
const anHour = 1.0 / 3600

func TestBurstIsOneForAllNodes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pair nodes) {
		l := pair("burst", limit.Options{Rate: anHour, Burst: 5})
		for i := range 5 {
			if wait, ok := l[i%2].Allow(t.Context(), "a"); !ok || wait != 0 {
				t.Fatalf("event %d of 5: %v, wait %v", i+1, ok, wait)
			}
		}
		for i := range 4 {
			wait, ok := l[i%2].Allow(t.Context(), "a")
			if ok || wait <= 0 || wait > time.Hour {
				t.Errorf("one too many: %v, wait %v", ok, wait)
			}
		}
		if _, ok := l[0].Allow(t.Context(), "b"); !ok {
			t.Error("another key is refused")
		}
		if _, ok := pair("another", limit.Options{Rate: anHour, Burst: 1})[0].Allow(t.Context(), "a"); !ok {
			t.Error("a limiter of another name is used up, too")
		}
	})
}

func TestNodesInParallelLetThroughTheBurstExactly(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pair nodes) {
		l := pair("parallel", limit.Options{Rate: anHour, Burst: 50})
		var allowed atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for range 25 {
					if _, ok := l[i%2].Allow(t.Context(), "k"); ok {
						allowed.Add(1)
					}
				}
			})
		}
		all.Wait()
		if allowed.Load() != 50 {
			t.Errorf("%d events allowed, want 50", allowed.Load())
		}
	})
}

// Whatever the limits and however long it takes: never more than the burst and what
// the rate gave back meanwhile.
func TestNeverMoreThanBurstAndRate(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pair nodes) {
		count := 0
		rapid.Check(t, func(rt *rapid.T) {
			count++
			o := limit.Options{Rate: float64(rapid.IntRange(1, 5000).Draw(rt, "rate")), Burst: rapid.IntRange(1, 20).Draw(rt, "burst")}
			events := rapid.IntRange(1, 60).Draw(rt, "events")
			l := pair(fmt.Sprint("property", count), o)
			var allowed atomic.Int64
			var all sync.WaitGroup
			begin := time.Now()
			for i := range 2 {
				all.Go(func() {
					for range events {
						if _, ok := l[i].Allow(t.Context(), "k"); ok {
							allowed.Add(1)
						}
					}
				})
			}
			all.Wait()
			took := time.Since(begin)
			// A millisecond: the server's clock is set while it runs, ours is steady.
			most := float64(o.Burst) + o.Rate*(took+time.Millisecond).Seconds()
			if got := allowed.Load(); float64(got) > most || got < int64(min(o.Burst, 2*events)) {
				rt.Errorf("%d events allowed in %v, want %d to %.2f", got, took, min(o.Burst, 2*events), most)
			}
		})
	})
}

func TestThereIsRoomAfterTheWaitAndNotBefore(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pair nodes) {
		l := pair("wait", limit.Options{Rate: 5, Burst: 1})
		l[0].Allow(t.Context(), "k")
		begin := time.Now()
		wait, ok := l[1].Allow(t.Context(), "k")
		if ok { // the machine took longer than the wait
			return
		}
		for !ok {
			_, ok = l[1].Allow(t.Context(), "k")
		}
		if took := time.Since(begin); took < wait-time.Millisecond {
			t.Errorf("room after %v, said %v", took, wait)
		}
	})
}

func TestExtremeRatesOfBoth(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pair nodes) {
		for i, o := range []limit.Options{{Rate: 1e300, Burst: 1}, {Rate: 1e-300, Burst: 1 << 62}, {Rate: 1e-300, Burst: 1}, {Rate: 5, Burst: -1}} {
			l := pair(fmt.Sprint("extreme", i), o)
			if _, ok := l[0].Allow(t.Context(), "a"); !ok {
				t.Errorf("%+v: the first event is refused", o)
			}
			if wait, ok := l[1].Allow(t.Context(), "a"); !ok && wait <= 0 {
				t.Errorf("%+v: refused with nothing to wait for", o)
			}
		}
	})
}

func BenchmarkAllow(b *testing.B) {
	o := limit.Options{Rate: 1000, Burst: 10}
	run := func(l limit.Limiter) func(b *testing.B) {
		return func(b *testing.B) {
			var i atomic.Int64
			keys := make([]string, 10_000)
			for i := range keys {
				keys[i] = fmt.Sprint(i)
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					l.Allow(b.Context(), keys[i.Add(1)%int64(len(keys))])
				}
			})
		}
	}
	server := connect(b, guildtest.NewRedis(b).URL(""), patient)
	b.Run("embedded", run(limit.New(o)))
	b.Run("shared", run(limit.NewShared(server, "bench", o)))
	if err := server.Problem(); err != nil {
		b.Error(err)
	}
}
