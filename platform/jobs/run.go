package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run runs jobs until ctx ends. Then it claims no more, lets those under way
// finish for a while, cancels the rest, and gives back what did not finish, at
// once and without counting the attempt. It returns nil after that; a handler
// that ignores its context holds it up.
func (q *Queue) Run(ctx context.Context) error {
	// Jobs outlive ctx by the time to drain.
	jobCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(q.drain, func() { cancel(errDrained) }) })
	defer stop()
	var wg sync.WaitGroup
	for _, h := range q.handlers {
		w := &worker{queue: q, handler: h, slots: make(chan struct{}, h.Concurrency)}
		wg.Go(func() { w.run(ctx, jobCtx) })
	}
	wg.Wait()
	return nil
}

var (
	errDrained   = errors.New("the program stops")
	errLeaseLost = errors.New("the job's lease was lost")
)

// worker runs the jobs of one kind on this node.
type worker struct {
	queue   *Queue
	handler *handler
	slots   chan struct{} // one token for each job under way
	running sync.WaitGroup
}

func (w *worker) run(ctx, jobCtx context.Context) {
	defer w.running.Wait()
	w.plan(ctx)
	for ctx.Err() == nil {
		n, err := w.start(ctx, jobCtx)
		if err != nil && ctx.Err() == nil {
			w.queue.Log.WarnContext(ctx, "jobs cannot be claimed", "kind", w.handler.kind, "error", err)
		}
		if n > 0 && err == nil {
			continue // there may be more
		}
		w.sleep(ctx, err)
	}
}

// plan makes the row of a periodic job, as soon as the database lets it.
func (w *worker) plan(ctx context.Context) {
	for w.handler.schedule != nil && ctx.Err() == nil {
		err := w.queue.seed(ctx, w.handler)
		if err == nil {
			return
		}
		w.queue.Log.WarnContext(ctx, "periodic job cannot be planned", "kind", w.handler.kind, "error", err)
		w.sleep(ctx, err)
	}
}

// start claims as many jobs as there are free slots and runs them; it waits for
// the first slot.
func (w *worker) start(ctx, jobCtx context.Context) (started int, err error) {
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return 0, nil
	}
	free := 1
	for ; len(w.slots) < cap(w.slots); free++ {
		w.slots <- struct{}{} // only this goroutine adds, so this never waits
	}
	claimed, err := w.queue.claim(ctx, w.handler, free)
	for range free - len(claimed) {
		<-w.slots
	}
	for _, j := range claimed {
		w.running.Go(func() {
			w.one(jobCtx, j)
			<-w.slots
			w.handler.signal() // it may be due again
		})
	}
	return len(claimed), err
}

// sleep waits until a job may be due: a commit on this node wakes it, the next
// one's time comes, or the poll's.
func (w *worker) sleep(ctx context.Context, failure error) {
	wait := w.queue.poll
	if failure == nil {
		due, ok, err := w.queue.nextDue(ctx, w.handler.kind)
		if err == nil && ok {
			wait = min(wait, max(due.Sub(w.queue.Now()), time.Millisecond))
		}
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.handler.wake:
	case <-t.C:
	}
}

// one runs one claimed job to an end of its attempt.
func (w *worker) one(jobCtx context.Context, j Job) {
	q, h := w.queue, w.handler
	ctx, cancel := context.WithCancelCause(jobCtx)
	var beat sync.WaitGroup
	beat.Go(func() { q.keepLease(ctx, cancel, j, h.Lease) })
	err := h.call(ctx, j)
	cause := context.Cause(ctx)
	cancel(nil)
	beat.Wait()
	e := h.ending(j, err, q.Now(), errors.Is(cause, errDrained) || errors.Is(cause, errLeaseLost))
	if e.again = q.Now(); h.Rest != nil {
		e.again = e.again.Add(h.Rest())
	}
	q.logEnding(ctx, j, e, err)
	q.giveBack(jobCtx, j, e)
}

// giveBack writes how the run ended, again and again while the database is away:
// this node does not claim a job that its row says it has.
func (q *Queue) giveBack(jobCtx context.Context, j Job, e ending) {
	for {
		held, err := q.end(context.WithoutCancel(jobCtx), j, e)
		switch {
		case err == nil && !held:
			q.Log.WarnContext(jobCtx, "job lost its lease; another node runs it", "kind", j.Kind, "job", j.ID)
			return
		case err == nil:
			return
		}
		q.Log.WarnContext(jobCtx, "job ended and cannot be given back yet", "kind", j.Kind, "job", j.ID, "error", err)
		t := time.NewTimer(giveBackPause)
		select {
		case <-jobCtx.Done(): // its lease ends by itself, and it is run again
			t.Stop()
			return
		case <-t.C:
		}
	}
}

const giveBackPause = time.Second

func (q *Queue) logEnding(ctx context.Context, j Job, e ending, err error) {
	switch {
	case err == nil:
		q.Log.DebugContext(ctx, "job done", "kind", j.Kind, "job", j.ID, "attempt", j.Attempt)
	case e.state == Dead:
		q.Log.ErrorContext(ctx, "job dead: no attempt is left", "kind", j.Kind, "job", j.ID, "attempt", j.Attempt, "error", err)
	default:
		q.Log.WarnContext(ctx, "job failed", "kind", j.Kind, "job", j.ID, "attempt", j.Attempt, "next", e.due, "error", err)
	}
}

// call runs the handler's function; a panic becomes an error.
func (h *handler) call(ctx context.Context, j Job) (err error) {
	if j.Attempt > h.MaxAttempts {
		// It was claimed from nodes that died; it may well be what kills them.
		return fmt.Errorf("given up: %d attempts failed or ended without an answer; the last error: %q", j.Attempt-1, j.Error)
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return h.fn(ctx, j)
}

// keepLease extends the job's lease until ctx ends. When the lease is lost, or
// could not be extended before it ended, it cancels the job.
func (q *Queue) keepLease(ctx context.Context, cancel context.CancelCauseFunc, j Job, lease time.Duration) {
	tick := time.NewTicker(lease / 3)
	defer tick.Stop()
	extended := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		held, err := q.heartbeat(ctx, j, lease)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && held:
			extended = time.Now()
		case err == nil || time.Since(extended) > lease:
			cancel(errLeaseLost)
			return
		}
	}
}
