package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
)

// maxBatch bounds how many writes share one transaction, so that none waits
// for too many others and a failed commit repeats little.
const maxBatch = 256

// errExited stands for a function that ended its goroutine (runtime.Goexit, as
// t.FailNow does).
var errExited = errors.New("the write ended its goroutine")

// Group runs fn in a transaction that it shares with other writers, and returns
// when that transaction is committed: many writers wait for the disk once.
//
// fn runs in the caller's goroutine. It may run more than once, so it must have
// no effect outside tx and must set, not add to, what it captured. It must
// return every error of tx, and must not commit, roll back, leave rows open, or
// call Group or WithTx itself. When fn fails it fails alone: the others
// of its batch are committed without it. A panic of fn is raised in the caller
// as a *Panic.
//
// nil means committed. If ctx ends before fn's batch begins, fn does not run;
// if it ends later, before the commit begins, nothing is written; both return
// ctx's error. A commit that has begun is waited for.
func (d *DB) Group(ctx context.Context, fn func(tx *sql.Tx) error) error {
	m := &member{ctx: ctx, fn: fn, turn: make(chan *sql.Tx), ran: make(chan error), done: make(chan error, 1)}
	err := d.group.do(m)
	if p, ok := errors.AsType[*Panic](err); ok && p == m.panicked {
		panic(p)
	}
	return Coded(err)
}

// Panic is what Group panics with when the function given to it panicked.
type Panic struct {
	// Value is what the function panicked with, and Stack where.
	Value any
	Stack []byte
}

// Error holds the value and the stack.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// member is one write that waits for, or has, its outcome.
type member struct {
	ctx      context.Context //nolint:containedctx // a member is a call that waits in a queue
	fn       func(tx *sql.Tx) error
	turn     chan *sql.Tx // the leader lends the transaction
	ran      chan error   // the caller gives it back
	done     chan error   // the outcome; buffered, so that the leader never waits
	panicked *Panic       // the last run's panic
	exited   bool         // the caller's goroutine is no more; only the leader looks
}

// run calls fn in the caller's goroutine. A panic becomes the error.
func (m *member) run(tx *sql.Tx) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			m.panicked = &Panic{Value: v, Stack: debug.Stack()}
			err = m.panicked
			return
		}
		m.ran <- errExited // runtime.Goexit: the deferred functions are all that runs
	}()
	m.panicked = nil
	err = m.fn(tx)
	returned = true
	return err
}

// take lends tx to the member and waits until it is done with it.
func (m *member) take(tx *sql.Tx) error {
	if m.exited {
		return errExited
	}
	if err := m.ctx.Err(); err != nil {
		return err
	}
	m.turn <- tx
	err := <-m.ran
	m.exited = errors.Is(err, errExited)
	if err == nil {
		err = m.ctx.Err()
	}
	return err
}

// group is the queue of writes and the one goroutine, the leader, that commits
// them: what queued while it committed makes the next batch.
type group struct {
	db      *DB
	marks   *marks
	mu      sync.Mutex
	queue   []*member
	closed  bool
	wake    chan struct{} // holds at most one token
	stopped chan struct{}
}

func newGroup(d *DB) *group {
	g := &group{db: d, marks: newMarks(), wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go g.lead()
	return g
}

// do queues m and serves the leader until m has its outcome.
func (g *group) do(m *member) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	if !g.add(m) {
		return ErrClosed
	}
	cancelled := m.ctx.Done()
	for {
		select {
		case tx := <-m.turn:
			m.ran <- m.run(tx)
		case err := <-m.done:
			return err
		case <-cancelled:
			if g.withdraw(m) {
				return m.ctx.Err()
			}
			cancelled = nil // its batch has begun: the outcome comes
		}
	}
}

func (g *group) add(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.queue = append(g.queue, m)
	g.signal()
	return true
}

func (g *group) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// withdraw takes m out of the queue; false means that its batch has begun.
func (g *group) withdraw(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, q := range g.queue {
		if q == m {
			g.queue = slices.Delete(g.queue, i, i+1)
			return true
		}
	}
	return false
}

// await blocks until something is queued; false means that nothing ever will be.
func (g *group) await() bool {
	for {
		g.mu.Lock()
		queued, closed := len(g.queue) > 0, g.closed
		g.mu.Unlock()
		if queued || closed {
			return queued
		}
		<-g.wake
	}
}

// next takes a batch off the queue.
func (g *group) next() []*member {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.queue), maxBatch)
	batch := slices.Clone(g.queue[:n])
	g.queue = slices.Delete(g.queue, 0, n)
	return batch
}

func (g *group) lead() {
	defer close(g.stopped)
	for g.await() {
		// The transaction comes first: until it has begun, callers can still
		// withdraw, and more of them join.
		t, err := g.begin()
		batch := g.next()
		if err != nil {
			answer(batch, err)
			continue
		}
		g.write(t, batch)
		// Those just answered often write again at once: let them queue, so that
		// batches do not alternate between full and nearly empty.
		runtime.Gosched()
	}
}

// begin waits for a server that is away.
func (g *group) begin() (t *transaction, err error) {
	ctx := context.Background()
	err = g.db.patiently(ctx, func() error {
		t, err = g.db.begin(ctx)
		return err
	})
	return t, err
}

func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	g.signal()
	g.mu.Unlock()
	<-g.stopped
}
