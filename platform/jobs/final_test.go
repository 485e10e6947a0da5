package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

func TestAFinalErrorEndsTheJobAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, _ *guildtest.Clock) {
		var runs atomic.Int32
		q.Handle("mail", jobs.HandlerOptions{MaxAttempts: 4}, func(context.Context, jobs.Job) error {
			if runs.Add(1) == 1 {
				return fmt.Errorf("send: %w", jobs.Final(errWanted))
			}
			return nil
		})
		enqueue(t, q, "mail", 1, jobs.EnqueueOptions{})
		run(t, q)
		dead := only(t, q, "mail", jobs.Dead)
		if dead.Attempt != 1 || dead.Error != "send: "+errWanted.Error() {
			t.Errorf("got %+v", dead)
		}
		if err := q.Retry(context.Background(), dead.ID); err != nil {
			t.Fatal(err)
		}
		only(t, q, "mail", jobs.Done)
	})
}

func TestAFinalErrorOfAPeriodicJobWaitsForTheNextTick(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock) {
		var runs atomic.Int32
		q.Every("nightly", jobs.Daily(3, 0, time.UTC), func(context.Context) error { runs.Add(1); return jobs.Final(errWanted) })
		run(t, q)
		only(t, q, "nightly", jobs.Waiting)
		clock.Set(time.Date(2031, 3, 5, 3, 0, 0, 0, time.UTC))
		eventually(t, "the run", func() bool { return runs.Load() == 1 && nightly(t, q)[0].State == jobs.Waiting })
		if j := nightly(t, q)[0]; !j.Due.Equal(time.Date(2031, 3, 6, 3, 0, 0, 0, time.UTC)) {
			t.Errorf("got %+v", j)
		}
	})
}

func TestFinalKeepsTheErrorAndNil(t *testing.T) {
	t.Parallel()
	if jobs.Final(nil) != nil {
		t.Error("nil became an error")
	}
	if !errors.Is(jobs.Final(errWanted), errWanted) {
		t.Error("the error is lost")
	}
}
