package sandbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// waiting is how many runs of one caller wait for their turn, and how many of all for each
// that runs.
const waiting = 16

var errQueue = errors.New("no turn")

// turns are what runs need to begin. No caller has all of them at once, unless there is one
// alone, and a turn that becomes free goes to the caller who has fewest: one who calls and
// calls leaves the others theirs.
type turns struct {
	mu    sync.Mutex
	free  int
	each  int // how many one caller has at most
	most  int // how many wait at most
	taken map[string]int
	queue []*waiter
}

// waiter is a run that has to wait. Its turn is closed when it has one.
type waiter struct {
	caller string
	turn   chan struct{}
}

func newTurns(atOnce int) *turns {
	return &turns{free: atOnce, each: max(1, atOnce-1), most: waiting * atOnce, taken: map[string]int{}}
}

// take waits for a turn of the caller; end gives it back.
func (t *turns) take(ctx context.Context, caller string, most time.Duration) (end func(), err error) {
	w := t.join(caller)
	if w == nil {
		return nil, errQueue
	}
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-w.turn:
		return func() { t.end(caller) }, nil
	case <-late.C:
		err = errQueue
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.leave(w)
	return nil, err
}

// join has the caller wait, unless too many do: then it is nil.
func (t *turns) join(caller string) *waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &waiter{caller, make(chan struct{})}
	t.queue = append(t.queue, w)
	t.next()
	if t.waiting(caller) > waiting || len(t.queue) > t.most {
		t.queue = t.queue[:len(t.queue)-1]
		return nil
	}
	return w
}

func (t *turns) waiting(caller string) (n int) {
	for _, w := range t.queue {
		if w.caller == caller {
			n++
		}
	}
	return n
}

// leave gives up waiting, or the turn that came at the same moment.
func (t *turns) leave(w *waiter) {
	t.mu.Lock()
	i := slices.Index(t.queue, w)
	if i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 {
		t.end(w.caller)
	}
}

func (t *turns) end(caller string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	if t.taken[caller]--; t.taken[caller] == 0 {
		delete(t.taken, caller)
	}
	t.next()
}

// next gives free turns away: to who has fewest, and of those to who came first.
func (t *turns) next() {
	for t.free > 0 {
		first := -1
		for i, w := range t.queue {
			if n := t.taken[w.caller]; n < t.each && (first < 0 || n < t.taken[t.queue[first].caller]) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		w := t.queue[first]
		t.queue = slices.Delete(t.queue, first, first+1)
		t.free--
		t.taken[w.caller]++
		close(w.turn)
	}
}
