package jobs

import (
	"context"
	"database/sql"
)

// periodicKey is the key of the one row of a periodic job.
const periodicKey = "periodic"

// Wake makes a periodic job due as soon as the caller's transaction is committed;
// one that is under way runs once more afterwards. A kind that Every has not
// registered is a mistake of the program and panics.
func (q *Queue) Wake(ctx context.Context, tx *sql.Tx, kind string) error {
	return q.Enqueue(ctx, tx, kind, q.handlers[kind].schedule.String(), EnqueueOptions{Key: periodicKey})
}
