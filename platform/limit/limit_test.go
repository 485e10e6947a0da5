package limit_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/platform/limit"
)

// bucket is the model: a token bucket per key, in nanoseconds of credit, that
// forgets nothing.
type bucket struct {
	level time.Duration
	at    time.Time
}

type model struct {
	interval, size time.Duration
	keys           map[string]*bucket
}

func (m *model) allow(key string, now time.Time) bool {
	b := m.keys[key]
	if b == nil {
		b = &bucket{level: m.size, at: now}
		m.keys[key] = b
	}
	b.level = min(m.size, b.level+now.Sub(b.at))
	b.at = now
	if b.level < m.interval {
		return false
	}
	b.level -= m.interval
	return true
}

func TestLimiterIsATokenBucket(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		interval := rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, time.Minute}).Draw(t, "interval")
		burst := rapid.IntRange(1, 5).Draw(t, "burst")
		now := time.Unix(1000, 0)
		l := limit.New(limit.Options{Rate: float64(time.Second) / float64(interval), Burst: burst, Now: func() time.Time { return now }})
		m := model{interval: interval, size: time.Duration(burst) * interval, keys: map[string]*bucket{}}
		for range rapid.IntRange(1, 100).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(interval)*2).Draw(t, "pause")))
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
			wait, ok := l.Allow(t.Context(), key)
			if want := m.allow(key, now); ok != want {
				t.Fatalf("allowed %v, the model says %v", ok, want)
			}
			if ok {
				continue
			}
			before := now
			now = before.Add(wait - 1)
			if _, early := l.Allow(t.Context(), key); early {
				t.Fatalf("room already before the %v it said", wait)
			}
			if now = before.Add(wait); rapid.Bool().Draw(t, "return in time") {
				if _, ok := l.Allow(t.Context(), key); !ok || !m.allow(key, now) {
					t.Fatalf("no room after the %v it said", wait)
				}
			}
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := limit.New(limit.Options{Rate: 1, Burst: 2, MaxKeys: 100, Now: func() time.Time { return now }})
	l.Allow(t.Context(), "heavy")
	l.Allow(t.Context(), "heavy")
	for i := range 10_000 {
		l.Allow(t.Context(), fmt.Sprint(i))
	}
	if l.Len() != 100 {
		t.Errorf("%d keys in memory, want 100", l.Len())
	}
	if _, ok := l.Allow(t.Context(), "heavy"); ok {
		t.Error("the busiest key was forgotten before those nearer to rest")
	}
	now = now.Add(time.Minute)
	for range 60 {
		l.Allow(t.Context(), "one")
	}
	if l.Len() != 1 {
		t.Errorf("%d keys in memory after a rest, want 1", l.Len())
	}
}

func TestClockSetBackRefusesNobodyForLonger(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := limit.New(limit.Options{Rate: 1, Burst: 1, Now: func() time.Time { return now }})
	if _, ok := l.Allow(t.Context(), "a"); !ok {
		t.Fatal("the first event is refused")
	}
	now = now.Add(-time.Hour)
	if _, ok := l.Allow(t.Context(), "b"); !ok {
		t.Error("a new key is refused")
	}
	if wait, ok := l.Allow(t.Context(), "a"); !ok && wait > time.Second {
		t.Errorf("must wait %v for an event a second", wait)
	}
}

func TestConcurrentEventsAreCountedOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := limit.New(limit.Options{Rate: 1, Burst: 50, Now: func() time.Time { return now }})
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if _, ok := l.Allow(t.Context(), "k"); ok {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if allowed.Load() != 50 {
		t.Errorf("%d events allowed, want 50", allowed.Load())
	}
}

func TestExtremeRates(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	for _, o := range []limit.Options{{Rate: 1e300, Burst: 1}, {Rate: 1e-300, Burst: 1 << 62}, {Rate: 5, Burst: -1}} {
		o.Now = func() time.Time { return now }
		l := limit.New(o)
		if _, ok := l.Allow(t.Context(), "a"); !ok {
			t.Errorf("%+v: the first event is refused", o)
		}
		if wait, ok := l.Allow(t.Context(), "a"); !ok && wait <= 0 {
			t.Errorf("%+v: refused with nothing to wait for", o)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a rate of 0 was taken")
		}
	}()
	limit.New(limit.Options{})
}
