package mail

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/jobs"
)

// ErrNotFailed says that no letter with the id was given up.
var ErrNotFailed = fault.New(fault.NotFound, "letter_not_failed", "No letter with this id was given up; it may have been retried already.")

// Failed is a letter that could not be sent at its last attempt. It names nobody.
type Failed struct {
	// ID is that of its job.
	ID string
	// Template names the letter; empty when an older version queued it.
	Template string
	// State is jobs.Waiting, jobs.Running, or jobs.Dead once it is given up.
	State jobs.State
	// Attempts counts those since it was queued or retried.
	Attempts int
	// Error is what the last failed attempt said.
	Error  string
	Queued time.Time
	// Next is when one that waits is tried again.
	Next time.Time
	// Until is when it is of no use any more; zero means never.
	Until time.Time
}

// Over says that sending it is of no use any more.
func (l Failed) Over(now time.Time) bool { return !l.Until.IsZero() && !now.Before(l.Until) }

// FailedFilter narrows Failures. The zero value is every letter.
type FailedFilter struct {
	State jobs.State
	// Limit is the most letters to return; 0 means 100, and 1000 is the most.
	Limit int
	// Offset skips so many.
	Offset int
}

// Failures are a page of the letters that could not be sent so far, the newest
// first, and how many there are in all pages.
func (o *Outbox) Failures(ctx context.Context, f FailedFilter) (page []Failed, total int, err error) {
	filter := jobs.Filter{Kind: JobKind, State: f.State, Failed: true, Limit: f.Limit, Offset: f.Offset}
	if total, err = o.jobs.Count(ctx, filter); err != nil {
		return nil, 0, err
	}
	list, err := o.jobs.List(ctx, filter)
	if err != nil {
		return nil, 0, err
	}
	for _, j := range list {
		var p payload
		if err := json.Unmarshal(j.Payload, &p); err != nil {
			return nil, 0, fmt.Errorf("read the queued letter %s: %w", j.ID, err)
		}
		l := Failed{ID: j.ID, Template: p.Template, State: j.State, Attempts: j.Attempt, Error: j.Error, Queued: j.Enqueued, Until: p.Until}
		if j.State == jobs.Waiting {
			l.Next = j.Due
		}
		page = append(page, l)
	}
	return page, total, nil
}

// GivenUp is how many letters are not tried any more.
func (o *Outbox) GivenUp(ctx context.Context) (int, error) {
	return o.jobs.Count(ctx, jobs.Filter{Kind: JobKind, State: jobs.Dead, Failed: true})
}

// Retry sends a letter that was given up again, with all its attempts, once the
// caller's transaction is committed. The error is ErrNotFailed if there is none.
func (o *Outbox) Retry(ctx context.Context, tx *sql.Tx, id string) error {
	err := o.jobs.RetryKind(ctx, tx, JobKind, id)
	if errors.Is(err, jobs.ErrNotDead) {
		return ErrNotFailed
	}
	return err
}
