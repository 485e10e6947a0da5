package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

// nodes opens n queues on one PostgreSQL database, as n nodes would.
func nodes(t *testing.T, n int, now func() time.Time) []*jobs.Queue {
	t.Helper()
	url := guildtest.Postgres(t)
	var list []*jobs.Queue
	for range n {
		list = append(list, newQueue(t, guildtest.Open(t, url, nil), now))
	}
	return list
}

func TestNodesShareTheWork(t *testing.T) {
	t.Parallel()
	list := nodes(t, 3, time.Now)
	var mu sync.Mutex
	runs, by := map[string]int{}, map[int]int{}
	for i, q := range list {
		q.Handle("mail", jobs.HandlerOptions{Concurrency: 4}, func(_ context.Context, j jobs.Job) error {
			mu.Lock()
			defer mu.Unlock()
			runs[string(j.Payload)]++
			by[i]++
			return nil
		})
	}
	for i := range 300 {
		enqueue(t, list[0], "mail", i, jobs.EnqueueOptions{})
	}
	for _, q := range list {
		run(t, q)
	}
	eventually(t, "300 runs", func() bool { mu.Lock(); defer mu.Unlock(); return len(runs) == 300 })
	mu.Lock()
	defer mu.Unlock()
	for payload, n := range runs {
		if n != 1 {
			t.Errorf("job %s ran %d times though no node died", payload, n)
		}
	}
	if len(by) < 2 {
		t.Errorf("one node did it all: %v", by)
	}
}

func TestOneNodeRunsEachTick(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(start)
	list := nodes(t, 3, clock.Now)
	var runs atomic.Int32
	for _, q := range list {
		q.Every("nightly", jobs.Daily(3, 0, time.UTC), func(context.Context) error { runs.Add(1); return nil })
		run(t, q)
	}
	eventually(t, "the row", func() bool { return len(nightly(t, list[0])) == 1 })
	for tick := range int32(5) {
		clock.Advance(24 * time.Hour)
		eventually(t, "a run", func() bool { return runs.Load() == tick+1 })
		eventually(t, "the next tick is planned", func() bool {
			j := nightly(t, list[0])[0]
			return j.State == jobs.Waiting && j.Due.After(clock.Now())
		})
	}
	if j, want := nightly(t, list[0])[0], time.Date(2031, 3, 10, 3, 0, 0, 0, time.UTC); !j.Due.Equal(want) {
		t.Errorf("next is due %v, want %v", j.Due, want)
	}
	if got := runs.Load(); got != 5 {
		t.Errorf("%d runs at 5 ticks", got)
	}
}

// nightly returns the row of the periodic job that these tests use.
func nightly(t *testing.T, q *jobs.Queue) []jobs.Job { return list(t, q, "nightly") }

func TestPeriodicJobs(t *testing.T) {
	t.Parallel()
	t.Run("a failing run is retried, then left for the next tick", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
			var runs atomic.Int32
			q.Every("nightly", jobs.Daily(3, 0, time.UTC), func(context.Context) error { runs.Add(1); return errWanted })
			run(t, q)
			only(t, q, "nightly", jobs.Waiting)
			clock.Set(time.Date(2031, 3, 5, 3, 0, 0, 0, time.UTC))
			for want := int32(1); want <= 4; want++ {
				eventually(t, "a try", func() bool { return runs.Load() == want && nightly(t, q)[0].State == jobs.Waiting })
				if want < 4 {
					clock.Set(nightly(t, q)[0].Due)
				}
			}
			j := nightly(t, q)[0]
			if !j.Due.Equal(time.Date(2031, 3, 6, 3, 0, 0, 0, time.UTC)) || j.Attempt != 0 || j.Error == "" {
				t.Errorf("got %+v", j)
			}
		})
	})
	t.Run("a missed tick is made up for once", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
			ran := make(chan time.Time, 100)
			q.Every("nightly", jobs.Daily(3, 0, time.UTC), func(context.Context) error { ran <- clock.Now(); return nil })
			stop := run(t, q)
			only(t, q, "nightly", jobs.Waiting)
			stop()
			clock.Advance(72 * time.Hour)
			run(t, q)
			<-ran
			eventually(t, "the next tick", func() bool { return nightly(t, q)[0].Due.After(clock.Now()) })
			if len(ran) != 0 {
				t.Errorf("it ran %d times more", len(ran))
			}
		})
	})
	t.Run("a changed schedule moves the row", func(t *testing.T) {
		t.Parallel()
		guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
			for _, hour := range []int{6, 23} {
				q := newQueue(t, d, func() time.Time { return start })
				q.Every("nightly", jobs.Daily(hour, 0, time.UTC), func(context.Context) error { return nil })
				stop := run(t, q)
				eventually(t, fmt.Sprint("due at ", hour), func() bool {
					found := nightly(t, q)
					return len(found) == 1 && found[0].Due.Hour() == hour
				})
				stop()
			}
		})
	})
}

func TestHeartbeatsKeepALongJob(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		q, other := newQueue(t, d, time.Now), newQueue(t, d, time.Now)
		var runs atomic.Int32
		other.Handle("long", jobs.HandlerOptions{}, func(context.Context, jobs.Job) error { runs.Add(1); return nil })
		q.Handle("long", jobs.HandlerOptions{Lease: 4 * time.Second}, func(ctx context.Context, _ jobs.Job) error {
			runs.Add(1)
			select {
			case <-time.After(8 * time.Second):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		run(t, q)
		enqueue(t, q, "long", nil, jobs.EnqueueOptions{})
		only(t, q, "long", jobs.Running)
		run(t, other)
		only(t, q, "long", jobs.Done)
		if runs.Load() != 1 {
			t.Errorf("it ran %d times", runs.Load())
		}
	})
}

func TestAStandstillDoesNotRunAJobTwiceHere(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
		started, goOn := make(chan struct{}, 2), make(chan struct{})
		q.Handle("long", jobs.HandlerOptions{Concurrency: 2}, func(context.Context, jobs.Job) error {
			started <- struct{}{}
			<-goOn
			return nil
		})
		run(t, q)
		enqueue(t, q, "long", "first", jobs.EnqueueOptions{})
		<-started
		clock.Advance(time.Hour) // the machine slept, and woke before any heartbeat
		enqueue(t, q, "long", "second", jobs.EnqueueOptions{})
		<-started
		close(goOn)
		eventually(t, "both are done", func() bool {
			found := list(t, q, "long")
			return found[0].State == jobs.Done && found[1].State == jobs.Done
		})
		for _, j := range list(t, q, "long") {
			if j.Attempt != 1 {
				t.Errorf("got %+v, want one attempt", j)
			}
		}
	})
}

func TestALostLeaseCancelsTheJob(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(start)
	list := nodes(t, 2, clock.Now)
	cancelled := make(chan error, 1)
	started := make(chan struct{})
	list[0].Handle("long", jobs.HandlerOptions{Lease: 3 * time.Second}, func(ctx context.Context, _ jobs.Job) error {
		close(started)
		<-ctx.Done()
		cancelled <- context.Cause(ctx)
		return nil
	})
	var tookOver atomic.Bool
	list[1].Handle("long", jobs.HandlerOptions{}, func(context.Context, jobs.Job) error { tookOver.Store(true); return nil })
	run(t, list[0])
	enqueue(t, list[0], "long", nil, jobs.EnqueueOptions{})
	<-started
	clock.Advance(time.Minute) // as if no heartbeat had come through for a minute
	run(t, list[1])
	if err := <-cancelled; err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("cancelled because of %v", err)
	}
	if j := only(t, list[0], "long", jobs.Done); j.Attempt != 2 || !tookOver.Load() {
		t.Errorf("got %+v, taken over %v", j, tookOver.Load())
	}
}

func TestDraining(t *testing.T) {
	t.Parallel()
	t.Run("a job under way finishes", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, q *jobs.Queue, _ *guildtest.Clock) {
			started, goOn := make(chan struct{}), make(chan struct{})
			q.Handle("mail", jobs.HandlerOptions{}, func(ctx context.Context, _ jobs.Job) error {
				close(started)
				<-goOn
				return ctx.Err()
			})
			stop := run(t, q)
			enqueue(t, q, "mail", nil, jobs.EnqueueOptions{})
			<-started
			time.AfterFunc(50*time.Millisecond, func() { close(goOn) })
			stop()
			only(t, q, "mail", jobs.Done)
		})
	})
	t.Run("one that does not is given back", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
			started := make(chan struct{})
			q.Handle("mail", jobs.HandlerOptions{MaxAttempts: 1}, func(ctx context.Context, _ jobs.Job) error {
				close(started)
				<-ctx.Done()
				return ctx.Err()
			})
			stop := run(t, q)
			enqueue(t, q, "mail", nil, jobs.EnqueueOptions{})
			<-started
			stop()
			if j := only(t, q, "mail", jobs.Waiting); j.Attempt != 0 || !j.Due.Equal(clock.Now()) {
				t.Errorf("got %+v, want it due now with its attempt back", j)
			}
		})
	})
}
