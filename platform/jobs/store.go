package jobs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// claimJobs takes the jobs of a kind that are due, and the running ones whose
// lease has ended, which are due by the same column. $1 is the claim's token. A
// node does not take over from itself ($6): after a standstill of the machine
// the job under way here just goes on.
func claimJobs(e db.Engine) string {
	const change = `UPDATE jobs SET state = 'running', owner = $1, due_at = $2, attempt = attempt + 1, again = FALSE WHERE id `
	const due = `SELECT id FROM jobs WHERE kind = $3 AND state IN ('waiting', 'running') AND due_at <= $4 AND owner NOT LIKE $6 ORDER BY due_at, id LIMIT $5`
	if e == db.Postgres {
		// ARRAY makes the planner run the inner query once; another node's
		// locked rows are skipped instead of waited for.
		return change + `= ANY (ARRAY(` + due + ` FOR UPDATE SKIP LOCKED))` + returning
	}
	return change + `IN (` + due + `)` + returning
}

const returning = ` RETURNING id, kind, COALESCE(unique_key, ''), payload, state, attempt, due_at, enqueued_at, error, owner`

// claim takes at most n jobs. Their owner is a token of this claim that begins
// with the node's.
func (q *Queue) claim(ctx context.Context, h *handler, n int) (claimed []Job, err error) {
	owner := q.node + "/" + rand.Text()
	err = q.DB.Group(ctx, func(tx *sql.Tx) error {
		now := q.Now()
		rows, err := tx.QueryContext(ctx, claimJobs(q.DB.Engine), owner, db.Micros(now.Add(h.Lease)), h.kind, db.Micros(now), n, q.node+"/%")
		if err != nil {
			return fmt.Errorf("claim jobs %s: %w", h.kind, err)
		}
		claimed, err = scanJobs(rows)
		return err
	})
	return claimed, err
}

func scanJobs(rows *sql.Rows) (list []Job, err error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var j Job
		var payload string
		var due, enqueued int64
		if err := rows.Scan(&j.ID, &j.Kind, &j.Key, &payload, &j.State, &j.Attempt, &due, &enqueued, &j.Error, &j.owner); err != nil {
			return nil, fmt.Errorf("read job: %w", err)
		}
		j.Payload, j.Due, j.Enqueued = json.RawMessage(payload), db.FromMicros(due), db.FromMicros(enqueued)
		list = append(list, j)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return list, nil
}

// nextDue is when the next job of the kind can be claimed here; ok is false if
// none will.
func (q *Queue) nextDue(ctx context.Context, kind string) (due time.Time, ok bool, err error) {
	var us sql.NullInt64
	err = q.DB.Read.QueryRowContext(ctx, `SELECT MIN(due_at) FROM jobs WHERE kind = $1 AND state IN ('waiting', 'running') AND owner NOT LIKE $2`, kind, q.node+"/%").Scan(&us)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("look for the next job %s: %w", kind, err)
	}
	return db.FromMicros(us.Int64), us.Valid, nil
}

// heartbeat extends the lease; held is false when another node has the job.
func (q *Queue) heartbeat(ctx context.Context, j Job, lease time.Duration) (held bool, err error) {
	err = q.DB.Group(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE jobs SET due_at = $3 WHERE id = $1 AND owner = $2`, j.ID, j.owner, db.Micros(q.Now().Add(lease)))
		held, err = oneRow(r, err)
		return err
	})
	return held, err
}

// ending is what a run leaves in the job's row.
type ending struct {
	state   State
	due     time.Time
	attempt int
	err     string
	// again is when it runs once more, if it was enqueued while it ran.
	again time.Time
}

// end gives the job back; held is false when another node has it meanwhile.
func (q *Queue) end(ctx context.Context, j Job, e ending) (held bool, err error) {
	err = q.DB.Group(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, endJob, j.ID, j.owner, e.state, db.Micros(e.due), e.attempt, e.err, db.Micros(e.again))
		held, err = oneRow(r, err)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("end job %s: %w", j.ID, err)
	}
	return held, nil
}

// A job enqueued once more while it ran waits again, however the run ended.
const endJob = `
UPDATE jobs SET
	state   = CASE WHEN again THEN 'waiting' ELSE $3 END,
	due_at  = CASE WHEN again THEN CAST($7 AS BIGINT) ELSE CAST($4 AS BIGINT) END,
	attempt = CASE WHEN again THEN 0 ELSE CAST($5 AS BIGINT) END,
	owner = '', again = FALSE, error = $6
WHERE id = $1 AND owner = $2`

func oneRow(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}
