package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Attempts are the failures of one key since its last success.
type Attempts struct {
	Key      string
	Failures int
	// BlockedUntil is the moment from which the next try is looked at.
	BlockedUntil time.Time
	UpdatedAt    time.Time
}

// Attempts are those of the key; a key without any has the zero Attempts.
func (s *Store) Attempts(ctx context.Context, tx *sql.Tx, key string) (Attempts, error) {
	return attempts(ctx, tx, key)
}

// AttemptsNow is Attempts outside of a transaction.
func (s *Store) AttemptsNow(ctx context.Context, key string) (Attempts, error) {
	a, err := attempts(ctx, s.db.Read, key)
	return a, db.Coded(err)
}

func attempts(ctx context.Context, q querier, key string) (Attempts, error) {
	a := Attempts{Key: key}
	var blocked, updated int64
	err := q.QueryRowContext(ctx, `SELECT failures, blocked_until, updated_at FROM attempts WHERE key = $1`, key).
		Scan(&a.Failures, &blocked, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return a, nil
	}
	if err != nil {
		return Attempts{}, fmt.Errorf("read attempts: %w", err)
	}
	a.BlockedUntil, a.UpdatedAt = db.FromMicros(blocked), db.FromMicros(updated)
	return a, nil
}

// SetAttempts writes the attempts of a key.
func (s *Store) SetAttempts(ctx context.Context, tx *sql.Tx, a Attempts) error {
	_, err := db.Change(ctx, tx, "write attempts", `INSERT INTO attempts (key, failures, blocked_until, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, blocked_until = excluded.blocked_until, updated_at = excluded.updated_at`,
		a.Key, a.Failures, db.Micros(a.BlockedUntil), db.Micros(a.UpdatedAt))
	return err
}

// DeleteAttempts removes those that nothing was added to since before.
func (s *Store) DeleteAttempts(ctx context.Context, tx *sql.Tx, before time.Time) (int64, error) {
	return db.Change(ctx, tx, "delete old attempts", `DELETE FROM attempts WHERE updated_at < $1`, db.Micros(before))
}
