package limit

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// DefaultMaxKeys is how many busy keys an Embedded remembers: some 10 MB.
const DefaultMaxKeys = 1 << 16

// Embedded is a Limiter whose counts are in this process.
type Embedded struct {
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

// New makes a limiter of this process alone.
func New(o Options) *Embedded {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxKeys <= 0 {
		o.MaxKeys = DefaultMaxKeys
	}
	return &Embedded{interval: o.interval(), debt: o.debt(), maxKeys: o.MaxKeys, now: o.Now, keys: map[string]*entry{}}
}

// Allow implements Limiter.
func (l *Embedded) Allow(_ context.Context, key string) (retryAfter time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if wait := l.room(key, now); wait > 0 {
		return wait, false
	}
	l.add(key, now)
	return 0, true
}

// wait is after how long there is room for an event; it counts none.
func (l *Embedded) wait(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.room(key, l.now())
}

// count counts an event that happens, whether there is room for it or not.
func (l *Embedded) count(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(key, l.now())
}

// room is wait; the caller holds mu.
func (l *Embedded) room(key string, now time.Time) time.Duration {
	l.forget(now)
	e := l.keys[key]
	if e == nil {
		return 0
	}
	if full := now.Add(l.debt + l.interval); e.next.After(full) {
		l.move(e, full) // the clock was set back: nobody owes more than the full debt
	}
	return e.next.Sub(now) - l.debt
}

// add is count; the caller holds mu.
func (l *Embedded) add(key string, now time.Time) {
	e := l.keys[key]
	switch {
	case e == nil:
		l.remember(&entry{key: key, next: now.Add(l.interval)})
	case e.next.Before(now):
		l.move(e, now.Add(l.interval))
	default:
		l.move(e, e.next.Add(l.interval))
	}
}

func (l *Embedded) move(e *entry, next time.Time) {
	e.next = next
	heap.Fix(&l.idle, e.index)
}

// Len is the number of keys in memory.
func (l *Embedded) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.keys)
}

// forget drops a few keys that are at rest: more than one event can add, so
// that they never pile up, and few enough that no event waits for long.
func (l *Embedded) forget(now time.Time) {
	for range 2 {
		if len(l.idle) == 0 || l.idle[0].next.After(now) {
			return
		}
		l.drop()
	}
}

func (l *Embedded) remember(e *entry) {
	if len(l.keys) >= l.maxKeys {
		l.drop()
	}
	l.keys[e.key] = e
	heap.Push(&l.idle, e)
}

// drop forgets the key nearest to rest.
func (l *Embedded) drop() {
	e, _ := heap.Pop(&l.idle).(*entry)
	delete(l.keys, e.key)
}
