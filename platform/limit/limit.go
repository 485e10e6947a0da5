package limit

import (
	"container/heap"
	"math"
	"sync"
	"time"
)

// DefaultMaxKeys is how many busy keys a Limiter remembers: some 10 MB.
const DefaultMaxKeys = 1 << 16

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

// Limiter limits the events of each key. It is safe for use by several
// goroutines.
type Limiter struct {
	interval time.Duration // between events at the steady rate
	debt     time.Duration // how far ahead of now a key's next free instant may be
	maxKeys  int
	now      func() time.Time

	mu   sync.Mutex
	keys map[string]*entry
	idle queue // nearest to rest first
}

// entry is a key that is not at rest.
type entry struct {
	key   string
	next  time.Time // when the key is at rest: the theoretical arrival time
	index int       // in the queue
}

// New makes a limiter.
func New(o Options) *Limiter {
	if !(o.Rate > 0) {
		panic("limit: Options.Rate must be more than 0")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxKeys <= 0 {
		o.MaxKeys = DefaultMaxKeys
	}
	interval := time.Duration(math.Max(1, math.Min(float64(time.Second)/o.Rate, float64(1<<53))))
	burst := min(max(o.Burst, 1), int(math.MaxInt64/int64(interval)))
	return &Limiter{interval: interval, debt: time.Duration(burst-1) * interval, maxKeys: o.MaxKeys, now: o.Now,
		keys: map[string]*entry{}}
}

// Allow counts an event of the key if there is room for it; if not, it counts
// nothing and says after how long there will be.
func (l *Limiter) Allow(key string) (retryAfter time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.forget(now)
	e := l.keys[key]
	if e == nil {
		l.add(&entry{key: key, next: now.Add(l.interval)})
		return 0, true
	}
	next := e.next
	if next.Before(now) {
		next = now
	}
	wait := next.Sub(now) - l.debt
	if wait > l.interval {
		wait = l.interval // the clock was set back: nobody owes more than the full debt
		l.move(e, now.Add(l.debt+l.interval))
	}
	if wait > 0 {
		return wait, false
	}
	l.move(e, next.Add(l.interval))
	return 0, true
}

func (l *Limiter) move(e *entry, next time.Time) {
	e.next = next
	heap.Fix(&l.idle, e.index)
}

// Len is the number of keys in memory.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.keys)
}

// forget drops a few keys that are at rest: more than one event can add, so
// that they never pile up, and few enough that no event waits for long.
func (l *Limiter) forget(now time.Time) {
	for range 2 {
		if len(l.idle) == 0 || l.idle[0].next.After(now) {
			return
		}
		l.drop()
	}
}

func (l *Limiter) add(e *entry) {
	if len(l.keys) >= l.maxKeys {
		l.drop()
	}
	l.keys[e.key] = e
	heap.Push(&l.idle, e)
}

// drop forgets the key nearest to rest.
func (l *Limiter) drop() {
	e, _ := heap.Pop(&l.idle).(*entry)
	delete(l.keys, e.key)
}
