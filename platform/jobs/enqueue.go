package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/id"
)

// EnqueueOptions refine Enqueue.
type EnqueueOptions struct {
	// Key makes the job unique among the unfinished jobs of its kind.
	Key string
	// At is when it may run; the zero time means at once.
	At time.Time
}

// Enqueue adds a job in the caller's transaction: it exists exactly if that is
// committed, and this node is woken right then. payload is stored as JSON; put
// no secret into it.
func (q *Queue) Enqueue(ctx context.Context, tx *sql.Tx, kind string, payload any, o EnqueueOptions) error {
	text, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encode payload of job %s: %w", kind, err)
	}
	now := q.Now()
	if o.At.IsZero() {
		o.At = now
	}
	key := sql.NullString{String: o.Key, Valid: o.Key != ""}
	_, err = tx.ExecContext(ctx, insertJob, id.New("job"), kind, key, string(text), db.Micros(o.At), db.Micros(now))
	if err != nil {
		return fmt.Errorf("enqueue job %s: %w", kind, err)
	}
	if h := q.handlers[kind]; h != nil {
		q.DB.AfterCommit(tx, h.signal)
	}
	return nil
}

const insertJob = `
INSERT INTO jobs (id, kind, unique_key, payload, state, due_at, attempt, owner, again, error, enqueued_at)
VALUES ($1, $2, $3, $4, 'waiting', $5, 0, '', FALSE, '', $6)
ON CONFLICT (kind, unique_key) WHERE state IN ('waiting', 'running') DO UPDATE SET
	payload = excluded.payload,
	again   = (jobs.state = 'running'),
	due_at  = CASE WHEN jobs.state = 'waiting' AND excluded.due_at < jobs.due_at THEN excluded.due_at ELSE jobs.due_at END`

// seed makes the row of a periodic job, or moves it when its schedule changed or
// a clock that was ahead has put it too far off.
func (q *Queue) seed(ctx context.Context, h *handler) error {
	text, err := json.Marshal(h.schedule.String())
	if err != nil {
		return err
	}
	return q.DB.Group(ctx, func(tx *sql.Tx) error {
		// The clock is read when no other node plans the next run any more: an older
		// time would plan the last one again.
		if _, err := tx.ExecContext(ctx, holdJob, h.kind); err != nil {
			return fmt.Errorf("hold periodic job %s: %w", h.kind, err)
		}
		now := q.Now()
		_, err := tx.ExecContext(ctx, seedJob, id.New("job"), h.kind, string(text), db.Micros(h.schedule.Next(now)), db.Micros(now))
		if err != nil {
			return fmt.Errorf("plan periodic job %s: %w", h.kind, err)
		}
		return nil
	})
}

const holdJob = `UPDATE jobs SET due_at = due_at WHERE kind = $1 AND unique_key = 'periodic' AND state IN ('waiting', 'running')`

const seedJob = `
INSERT INTO jobs (id, kind, unique_key, payload, state, due_at, attempt, owner, again, error, enqueued_at)
VALUES ($1, $2, 'periodic', $3, 'waiting', $4, 0, '', FALSE, '', $5)
ON CONFLICT (kind, unique_key) WHERE state IN ('waiting', 'running') DO UPDATE SET
	payload = excluded.payload,
	due_at  = CASE WHEN jobs.state = 'waiting' AND (jobs.payload <> excluded.payload OR jobs.due_at > excluded.due_at)
		THEN excluded.due_at ELSE jobs.due_at END`
