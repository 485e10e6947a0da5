package call

import (
	"context"
	"fmt"
	"sync"
	"time"

	"guildhall/platform/limit"
)

// steps are how a delay grows: so many failures at once, and then one after each time.
// Who goes on failing comes from ten seconds to an hour; who is quiet comes back the same
// way, because each step forgets as slowly as it counts.
func steps() []step {
	return []step{{20, 10 * time.Second}, {30, time.Minute}, {40, 10 * time.Minute}, {50, time.Hour}}
}

type step struct {
	burst int
	every time.Duration
}

// alarming is the delay from which on somebody should look.
const alarming = 5 * time.Minute

// waitsBefore is how many failures led to a delay.
func waitsBefore(delay time.Duration) int {
	for _, s := range steps() {
		if s.every >= delay {
			return s.burst
		}
	}
	return 0
}

// maxDelayed bounds how many keys are delayed at once.
const maxDelayed = 1 << 16

// delays make whoever fails wait, by a key. Failures are counted together with the other
// nodes; that a key has to wait a node knows once it has counted a failure itself.
type delays struct {
	limiters []limit.Limiter // by steps
	mu       sync.Mutex
	until    map[string]time.Time
}

func newDelays(maker limit.Maker, name string, now func() time.Time) *delays {
	d := &delays{until: map[string]time.Time{}}
	for i, s := range steps() {
		d.limiters = append(d.limiters, maker.New(fmt.Sprintf("%s-%d", name, i+1), limit.Options{Rate: 1 / s.every.Seconds(), Burst: s.burst, Now: now}))
	}
	return d
}

// wait is how long the key still has to wait.
func (d *delays) wait(key string, now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.until[key].Sub(now)
}

// failed counts a failure, and says how long to wait when it was one too many. What the
// first step refuses does not count in the next: many at the same moment are no reason to
// wait for an hour.
func (d *delays) failed(ctx context.Context, key string, now time.Time) time.Duration {
	for _, l := range d.limiters {
		if wait, ok := l.Allow(ctx, key); !ok {
			d.delay(key, now, wait)
			return wait
		}
	}
	return 0
}

func (d *delays) delay(key string, now time.Time, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.until) >= maxDelayed {
		for k, until := range d.until {
			if !until.After(now) {
				delete(d.until, k)
			}
		}
	}
	if len(d.until) < maxDelayed {
		d.until[key] = now.Add(wait)
	}
}
