package store

import (
	"context"
	"database/sql"
	"time"

	"guildhall/platform/db"
)

// Present notes that what has the hash was presented. False means that it was
// before, by somebody who noted it until a time after now.
func (s *Store) Present(ctx context.Context, tx *sql.Tx, hash []byte, now, until time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "note what was presented", `INSERT INTO replays (hash, expires_at) VALUES ($1, $2)
		ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at WHERE replays.expires_at <= $3`, hash, db.Micros(until), db.Micros(now))
	return n == 1, err
}
