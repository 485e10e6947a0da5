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

// Filter narrows List. The zero value is every job.
type Filter struct {
	State State
	Kind  string
	// Limit is the most jobs to return; 0 means 100, and 1000 is the most.
	Limit int
	// Offset skips so many.
	Offset int
}

const maxListed = 1000

// List returns jobs, the newest enqueued first.
func (q *Queue) List(ctx context.Context, f Filter) ([]Job, error) {
	rows, err := q.DB.Read.QueryContext(ctx, `
SELECT id, kind, COALESCE(unique_key, ''), payload, state, attempt, due_at, enqueued_at, error, owner FROM jobs
WHERE ($1 = '' OR state = $1) AND ($2 = '' OR kind = $2)
ORDER BY enqueued_at DESC, id DESC LIMIT $3 OFFSET $4`,
		string(f.State), f.Kind, min(cmp.Or(f.Limit, 100), maxListed), f.Offset)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("list jobs: %w", err))
	}
	return scanJobs(rows)
}

// Retry makes a dead job wait again, due now, with all its attempts. The error
// is ErrNotDead or ErrSuperseded.
func (q *Queue) Retry(ctx context.Context, id string) error {
	return q.DB.Group(ctx, func(tx *sql.Tx) error {
		var kind string
		err := tx.QueryRowContext(ctx, `UPDATE jobs SET state = 'waiting', due_at = $2, attempt = 0 WHERE id = $1 AND state = 'dead' RETURNING kind`,
			id, db.Micros(q.Now())).Scan(&kind)
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
	})
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
