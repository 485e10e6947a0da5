package call

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"guildhall/platform/limit"
)

const (
	// guessRate a second and guessBurst bound what an address may ask for cards that are none.
	guessRate, guessBurst = 0.1, 20
	// maxSlowed bounds how many addresses are slowed down at once.
	maxSlowed = 1 << 16
)

// guesses slows down addresses that ask for cards that are none. Whoever is slow gets
// no answer about any card but those that are bound to his very address: else he would
// know the good ones by it, and his neighbours could not go on.
type guesses struct {
	limiter limit.Limiter
	mu      sync.Mutex
	until   map[string]time.Time
}

func newGuesses(maker limit.Maker, now func() time.Time) *guesses {
	return &guesses{until: map[string]time.Time{}, limiter: maker.New("license-guesses", limit.Options{Rate: guessRate, Burst: guessBurst, Now: now})}
}

// wait is how long an address still is slow.
func (g *guesses) wait(ip netip.Addr, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until[limit.AddrKey(ip.String())].Sub(now)
}

// missed counts a guess, and says how long to wait when it was one too many.
func (g *guesses) missed(ctx context.Context, ip netip.Addr, now time.Time) time.Duration {
	key := limit.AddrKey(ip.String())
	wait, ok := g.limiter.Allow(ctx, key)
	if ok {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.until) >= maxSlowed {
		for k, until := range g.until {
			if !until.After(now) {
				delete(g.until, k)
			}
		}
	}
	if len(g.until) < maxSlowed {
		g.until[key] = now.Add(wait)
	}
	return wait
}
