package jobs_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

var errWanted = errors.New("wanted failure")

func TestOnlyCommittedJobsRun(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, _ *guildtest.Clock) {
		seen := make(chan string, 10)
		q.Handle("mail", jobs.HandlerOptions{}, func(_ context.Context, j jobs.Job) error {
			seen <- string(j.Payload)
			return nil
		})
		run(t, q)
		err := q.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
			return errors.Join(q.Enqueue(t.Context(), tx, "mail", "rolled back", jobs.EnqueueOptions{}), errWanted)
		})
		if !errors.Is(err, errWanted) {
			t.Fatal(err)
		}
		enqueue(t, q, "mail", map[string]int{"n": 7}, jobs.EnqueueOptions{})
		if got := <-seen; got != `{"n":7}` {
			t.Errorf("ran with %s", got)
		}
		if j := only(t, q, "mail", jobs.Done); j.Attempt != 1 || !j.Enqueued.Equal(start) {
			t.Errorf("got %+v", j)
		}
	})
}

func TestWakesRightAfterTheCommit(t *testing.T) {
	t.Parallel()
	guildtestClock := guildtest.NewClock(start)
	d := guildtest.Open(t, guildtest.SQLite(t), nil)
	q := jobs.New(jobs.Options{DB: d, Now: guildtestClock.Now, Poll: time.Hour})
	if err := q.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{})
	q.Handle("mail", jobs.HandlerOptions{}, func(context.Context, jobs.Job) error { seen <- struct{}{}; return nil })
	run(t, q)
	for range 3 {
		enqueue(t, q, "mail", nil, jobs.EnqueueOptions{})
		select {
		case <-seen:
		case <-time.After(60 * time.Second):
			t.Fatal("the worker waits for its poll")
		}
	}
}

func TestRetriesBackOffAndDie(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
		q.Handle("mail", jobs.HandlerOptions{MaxAttempts: 4, Backoff: time.Minute, MaxBackoff: 3 * time.Minute},
			func(_ context.Context, j jobs.Job) error {
				if j.Attempt == 2 {
					panic("on purpose")
				}
				return errWanted
			})
		run(t, q)
		enqueue(t, q, "mail", nil, jobs.EnqueueOptions{})
		for attempt, base := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute} {
			var j jobs.Job
			eventually(t, "attempt", func() bool {
				j = list(t, q, "mail")[0]
				return j.State == jobs.Waiting && j.Attempt == attempt+1
			})
			if wait := j.Due.Sub(clock.Now()); wait < base*4/5 || wait > base*6/5 {
				t.Errorf("after attempt %d it waits %v, want about %v", attempt+1, wait, base)
			}
			if want := []string{"wanted failure", "panic: on purpose", "wanted failure"}[attempt]; j.Error != want {
				t.Errorf("attempt %d left %q", attempt+1, j.Error)
			}
			clock.Set(j.Due)
		}
		if j := only(t, q, "mail", jobs.Dead); j.Attempt != 4 || j.Error != "wanted failure" {
			t.Errorf("got %+v", j)
		}
	})
}

func TestAnAdministratorRetriesTheDead(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, _ *guildtest.Clock) {
		var healthy atomic.Bool
		q.Handle("mail", jobs.HandlerOptions{MaxAttempts: 1}, func(context.Context, jobs.Job) error {
			if healthy.Load() {
				return nil
			}
			return errWanted
		})
		run(t, q)
		enqueue(t, q, "mail", nil, jobs.EnqueueOptions{Key: "k"})
		dead := only(t, q, "mail", jobs.Dead)
		if err := q.Retry(t.Context(), "job_none"); !errors.Is(err, jobs.ErrNotDead) {
			t.Errorf("unknown id: %v", err)
		}
		healthy.Store(true)
		if err := q.Retry(t.Context(), dead.ID); err != nil {
			t.Fatal(err)
		}
		only(t, q, "mail", jobs.Done)
		if err := q.Retry(t.Context(), dead.ID); !errors.Is(err, jobs.ErrNotDead) {
			t.Errorf("a done job: %v", err)
		}
	})
}

func TestRetryYieldsToANewerJob(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
		q.Handle("mail", jobs.HandlerOptions{MaxAttempts: 1}, func(context.Context, jobs.Job) error { return errWanted })
		stop := run(t, q)
		enqueue(t, q, "mail", nil, jobs.EnqueueOptions{Key: "k"})
		dead := only(t, q, "mail", jobs.Dead)
		stop()
		enqueue(t, q, "mail", nil, jobs.EnqueueOptions{Key: "k", At: clock.Now().Add(time.Hour)})
		if err := q.Retry(t.Context(), dead.ID); !errors.Is(err, jobs.ErrSuperseded) {
			t.Errorf("got %v, want ErrSuperseded", err)
		}
	})
}

func TestAKeyIsUniqueAmongTheUnfinished(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
		for i, in := range []time.Duration{2 * time.Hour, time.Hour, 3 * time.Hour} {
			enqueue(t, q, "crl", i, jobs.EnqueueOptions{Key: "root", At: clock.Now().Add(in)})
		}
		enqueue(t, q, "mail", nil, jobs.EnqueueOptions{Key: "root"})
		j := only(t, q, "crl", jobs.Waiting)
		if string(j.Payload) != "2" || !j.Due.Equal(start.Add(time.Hour)) {
			t.Errorf("got payload %s due %v; want the newest and the earliest", j.Payload, j.Due)
		}
	})
}

func TestEnqueuedWhileRunningRunsOnceMore(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, _ *guildtest.Clock) {
		started, goOn := make(chan string), make(chan struct{})
		q.Handle("crl", jobs.HandlerOptions{}, func(_ context.Context, j jobs.Job) error {
			started <- string(j.Payload)
			<-goOn
			return nil
		})
		run(t, q)
		enqueue(t, q, "crl", 1, jobs.EnqueueOptions{Key: "root"})
		<-started
		enqueue(t, q, "crl", 2, jobs.EnqueueOptions{Key: "root"})
		enqueue(t, q, "crl", 3, jobs.EnqueueOptions{Key: "root"})
		goOn <- struct{}{}
		if got := <-started; got != "3" {
			t.Errorf("ran again with %s, want the newest payload", got)
		}
		goOn <- struct{}{}
		only(t, q, "crl", jobs.Done)
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, _ *guildtest.Clock) {
		var now, most, ran atomic.Int32
		full := make(chan struct{})
		q.Handle("mail", jobs.HandlerOptions{Concurrency: 3}, func(context.Context, jobs.Job) error {
			defer now.Add(-1)
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			if ran.Add(1) == 3 {
				close(full) // three at once: none of them ended before
			}
			<-full
			return nil
		})
		for range 20 {
			enqueue(t, q, "mail", nil, jobs.EnqueueOptions{})
		}
		run(t, q)
		eventually(t, "20 runs", func() bool { return ran.Load() == 20 })
		if most.Load() != 3 {
			t.Errorf("%d ran at once, want 3", most.Load())
		}
	})
}

func TestStatsAndPruning(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
		q.Handle("good", jobs.HandlerOptions{}, func(context.Context, jobs.Job) error { return nil })
		q.Handle("bad", jobs.HandlerOptions{MaxAttempts: 1}, func(context.Context, jobs.Job) error { return errWanted })
		run(t, q)
		enqueue(t, q, "good", nil, jobs.EnqueueOptions{})
		enqueue(t, q, "bad", nil, jobs.EnqueueOptions{})
		only(t, q, "good", jobs.Done)
		only(t, q, "bad", jobs.Dead)
		stats, err := q.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, s := range stats {
			if !strings.HasPrefix(s.Kind, "jobs.") && s.Count == 1 && s.Oldest.Equal(start) {
				found++
			}
		}
		if found != 2 {
			t.Errorf("got %+v", stats)
		}
		clock.Advance(8 * 24 * time.Hour)
		eventually(t, "done jobs are forgotten", func() bool { return len(list(t, q, "good")) == 0 })
		only(t, q, "bad", jobs.Dead)
	})
}
