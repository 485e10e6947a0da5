package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

var (
	// ErrNotDead says that there is no dead job with the id.
	ErrNotDead = fault.New(fault.NotFound, "job_not_dead", "There is no dead job with this id; it may have been retried already. \"guildhall jobs list --state dead\" shows those that there are.")
	// ErrSuperseded says that a newer job does the same work.
	ErrSuperseded = fault.New(fault.Conflict, "job_superseded", "A newer job with the same key waits or runs already, so this one stays as it is.")
)

// Filter narrows List and Count. The zero value is every job.
type Filter struct {
	State State
	Kind  string
	// Failed leaves only those whose last attempt failed.
	Failed bool
	// Limit is the most jobs to return; 0 means 100, and 1000 is the most.
	Limit int
	// Offset skips so many.
	Offset int
}

const maxListed = 1000

// where is the condition and what its placeholders stand for.
func (f Filter) where() (condition string, args []any) {
	condition = "TRUE"
	if f.State != "" {
		args = append(args, string(f.State))
		condition += fmt.Sprintf(" AND state = $%d", len(args))
	}
	if f.Kind != "" {
		args = append(args, f.Kind)
		condition += fmt.Sprintf(" AND kind = $%d", len(args))
	}
	if f.Failed {
		condition += " AND error <> ''"
	}
	return condition, args
}

// List returns jobs, the newest enqueued first.
func (q *Queue) List(ctx context.Context, f Filter) ([]Job, error) {
	condition, args := f.where()
	page := fmt.Sprintf(" ORDER BY enqueued_at DESC, id DESC LIMIT $%d OFFSET $%d", len(args)+1, len(args)+2)
	rows, err := q.DB.Read.QueryContext(ctx,
		`SELECT id, kind, COALESCE(unique_key, ''), payload, state, attempt, due_at, enqueued_at, error, owner FROM jobs WHERE `+condition+page, //nolint:gosec // the condition is made of constants above
		append(args, min(cmp.Or(f.Limit, 100), maxListed), f.Offset)...)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("list jobs: %w", err))
	}
	return scanJobs(rows)
}

// Count is how many jobs List would return without a limit.
func (q *Queue) Count(ctx context.Context, f Filter) (n int, err error) {
	condition, args := f.where()
	if err := q.DB.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM jobs WHERE `+condition, args...).Scan(&n); err != nil {
		return 0, db.Coded(fmt.Errorf("count jobs: %w", err))
	}
	return n, nil
}

// Retry makes a dead job wait again, due now, with all its attempts. The error
// is ErrNotDead or ErrSuperseded.
func (q *Queue) Retry(ctx context.Context, id string) error {
	return q.DB.Group(ctx, func(tx *sql.Tx) error { return q.retry(ctx, tx, id, "") })
}

// RetryKind is Retry in the caller's transaction, for jobs of the kind alone.
func (q *Queue) RetryKind(ctx context.Context, tx *sql.Tx, kind, id string) error {
	return q.retry(ctx, tx, id, kind)
}

// retry retries a job of the kind, or of any.
func (q *Queue) retry(ctx context.Context, tx *sql.Tx, id, kind string) error {
	err := tx.QueryRowContext(ctx, `UPDATE jobs SET state = 'waiting', due_at = $2, attempt = 0 WHERE id = $1 AND state = 'dead' AND (CAST($3 AS TEXT) = '' OR kind = $3) RETURNING kind`,
		id, db.Micros(q.Now()), kind).Scan(&kind)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotDead
	case db.IsUnique(err):
		return ErrSuperseded
	case err != nil:
		return fmt.Errorf("retry job %s: %w", id, err)
	}
	if h := q.handlers[kind]; h != nil {
		q.DB.AfterCommit(tx, h.signal)
	}
	return nil
}

// Stat counts the jobs of a kind in a state.
type Stat struct {
	Kind  string `json:"kind"`
	State State  `json:"state"`
	Count int    `json:"count"`
	// Oldest is the earliest due time among them: far in the past for waiting
	// jobs means that they are not keeping up.
	Oldest time.Time `json:"oldest"`
}

// Stats counts the jobs, by kind and state.
func (q *Queue) Stats(ctx context.Context) ([]Stat, error) {
	rows, err := q.DB.Read.QueryContext(ctx, `SELECT kind, state, COUNT(*), MIN(due_at) FROM jobs GROUP BY kind, state ORDER BY kind, state`)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("count jobs: %w", err))
	}
	defer func() { _ = rows.Close() }()
	var stats []Stat
	for rows.Next() {
		var s Stat
		var oldest int64
		if err := rows.Scan(&s.Kind, &s.State, &s.Count, &oldest); err != nil {
			return nil, fmt.Errorf("count jobs: %w", err)
		}
		s.Oldest = db.FromMicros(oldest)
		stats = append(stats, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return stats, nil
}

// pruneKind is the queue's own periodic job.
const pruneKind = "jobs.prune"

// prune forgets the jobs that were done long ago. Dead ones stay.
func (q *Queue) prune(ctx context.Context) error {
	return q.DB.Group(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM jobs WHERE state = 'done' AND due_at < $1`, db.Micros(q.Now().Add(-q.keep)))
		if err != nil {
			return fmt.Errorf("forget done jobs: %w", err)
		}
		return nil
	})
}
