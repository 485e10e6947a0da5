package mail

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"guildhall/platform/jobs"
)

func (w *world) failures(t *testing.T, f FailedFilter) (page []Failed, total int) {
	t.Helper()
	page, total, err := w.outbox.Failures(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return page, total
}

func (w *world) retry(ctx context.Context, id string) error {
	return w.db.Group(ctx, func(tx *sql.Tx) error { return w.outbox.Retry(ctx, tx, id) })
}

func TestFailuresAreListedWithoutTheirReaders(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fail = func(l Letter) error {
			if strings.HasPrefix(l.To, "gone") {
				return fmt.Errorf("%w: 550 5.1.1 <%s>: no mailbox for %s", ErrRefused, l.To, l.ToName)
			}
			if strings.HasPrefix(l.To, "busy") {
				return fmt.Errorf("451 4.7.1 %s is greylisted", l.To)
			}
			return nil
		}
		queued := w.clock.Now()
		until := queued.Add(time.Hour)
		for _, to := range []string{"good@example.com", "busy@example.com", "gone@example.com"} {
			m := greet("en")
			m.To, m.Until = to, until
			w.send(t, m)
		}
		if list, total := w.failures(t, FailedFilter{}); len(list) != 0 || total != 0 {
			t.Errorf("before the first try: %+v", list)
		}
		stop := w.run(t)
		eventually(t, "the ends", func() bool {
			ended := map[jobs.State]int{}
			for _, j := range w.jobs(t) {
				if j.State == jobs.Dead || j.State == jobs.Done || j.Error != "" && j.State == jobs.Waiting {
					ended[j.State]++
				}
			}
			return ended[jobs.Done] == 1 && ended[jobs.Dead] == 1 && ended[jobs.Waiting] == 1
		})
		stop()
		all, total := w.failures(t, FailedFilter{})
		if len(all) != 2 || total != 2 {
			t.Fatalf("failures: %+v of %d", all, total)
		}
		for _, l := range all {
			if l.Template != greet("en").Template || l.Attempts != 1 || !l.Queued.Equal(queued) || !l.Until.Equal(until) || l.Over(queued) || !l.Over(until) {
				t.Errorf("a failure: %+v", l)
			}
			for _, private := range []string{"example.com", "gone", "busy", "anna", "Anna"} {
				if strings.Contains(l.Error, private) {
					t.Errorf("%q is in %q", private, l.Error)
				}
			}
		}
		waiting, total := w.failures(t, FailedFilter{State: jobs.Waiting})
		if len(waiting) != 1 || total != 1 || !waiting[0].Next.After(queued) || !strings.Contains(waiting[0].Error, "451 4.7.1") {
			t.Errorf("waiting: %+v of %d", waiting, total)
		}
		dead, total := w.failures(t, FailedFilter{State: jobs.Dead})
		if len(dead) != 1 || total != 1 || !dead[0].Next.IsZero() || !strings.Contains(dead[0].Error, "550 5.1.1") {
			t.Errorf("given up: %+v of %d", dead, total)
		}
		if page, total := w.failures(t, FailedFilter{Limit: 1, Offset: 1}); len(page) != 1 || total != 2 || page[0].ID != all[1].ID {
			t.Errorf("the second page: %+v of %d", page, total)
		}
		if n, err := w.outbox.GivenUp(t.Context()); err != nil || n != 1 {
			t.Errorf("given up: %d, %v", n, err)
		}
	})
}

func TestRetryIsForLettersThatWereGivenUp(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.queue.Handle("other", jobs.HandlerOptions{MaxAttempts: 1}, func(context.Context, jobs.Job) error { return errors.New("no") })
		err := w.db.Group(t.Context(), func(tx *sql.Tx) error {
			return w.queue.Enqueue(t.Context(), tx, "other", nil, jobs.EnqueueOptions{})
		})
		if err != nil {
			t.Fatal(err)
		}
		w.fail = func(Letter) error { return ErrRefused }
		w.send(t, greet("en"))
		stop := w.run(t)
		dead := map[string]string{}
		eventually(t, "the ends", func() bool {
			list, err := w.queue.List(t.Context(), jobs.Filter{State: jobs.Dead})
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range list {
				dead[j.Kind] = j.ID
			}
			return len(dead) == 2
		})
		stop()
		for what, id := range map[string]string{"another kind": dead["other"], "none": "job_none", "nothing": ""} {
			if err := w.retry(t.Context(), id); !errors.Is(err, ErrNotFailed) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := w.retry(t.Context(), dead[JobKind]); err != nil {
			t.Fatal(err)
		}
		if err := w.retry(t.Context(), dead[JobKind]); !errors.Is(err, ErrNotFailed) {
			t.Errorf("a second time: %v", err)
		}
		if list, total := w.failures(t, FailedFilter{}); total != 1 || list[0].State != jobs.Waiting || list[0].Attempts != 0 || list[0].Error == "" {
			t.Errorf("after the retry: %+v", list)
		}
	})
}
