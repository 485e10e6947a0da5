package limit

import (
	"context"
	"math"
	"time"
)

// Limiter limits the events of each key. It is safe for use by several
// goroutines.
type Limiter interface {
	// Allow counts an event of the key if there is room for it; if not, it counts
	// nothing and says after how long there will be.
	Allow(ctx context.Context, key string) (retryAfter time.Duration, ok bool)
}

// Options are the limits of each key.
type Options struct {
	// Rate is how many events a second a key may have in the long run. It must
	// be more than 0.
	Rate float64
	// Burst is how many may come at once after a rest; less than 1 is 1.
	Burst int
	// MaxKeys bounds the memory; 0 is DefaultMaxKeys. When more keys are busy
	// at once, the one nearest to rest is forgotten: it gets its burst anew.
	MaxKeys int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// interval is the time between events at the steady rate.
func (o Options) interval() time.Duration {
	if !(o.Rate > 0) {
		panic("limit: Options.Rate must be more than 0")
	}
	return time.Duration(math.Max(1, math.Min(float64(time.Second)/o.Rate, float64(1<<53))))
}

// debt is how far ahead of now a key's next free instant may be.
func (o Options) debt() time.Duration {
	interval := o.interval()
	burst := min(max(o.Burst, 1), int(math.MaxInt64/int64(interval)))
	return time.Duration(burst-1) * interval
}

// Maker makes the limiter of a name. Limiters of one name count together when the
// nodes of an installation share what they count. The nil Maker makes limiters of
// this process alone.
type Maker func(name string, o Options) Limiter

// New makes a limiter.
func (m Maker) New(name string, o Options) Limiter {
	if m == nil {
		return New(o)
	}
	return m(name, o)
}
