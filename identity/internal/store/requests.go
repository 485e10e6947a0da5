package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Request is an authorization request as it is kept.
type Request struct {
	ID, Client string
	// Pushed says that its application sent it by itself, and that no browser has
	// come with it yet.
	Pushed bool
	// Data is JSON.
	Data              string
	MadeAt, ExpiresAt time.Time
}

// InsertRequest writes a request whose client is active. False means that it is
// not.
func (s *Store) InsertRequest(ctx context.Context, tx *sql.Tx, r *Request) (bool, error) {
	n, err := db.Change(ctx, tx, "write an authorization request",
		`INSERT INTO authorization_requests (id, client, pushed, data, made_at, expires_at)
		SELECT $1, id, $2, $3, $4, $5 FROM clients WHERE id = $6 AND state = 'active'`,
		r.ID, r.Pushed, r.Data, db.Micros(r.MadeAt), db.Micros(r.ExpiresAt), r.Client)
	return n == 1, err
}

// Request is the request that waits for its person at now, or was answered after
// since; nil when there is none.
func (s *Store) Request(ctx context.Context, id string, now, since time.Time) (*Request, error) {
	r := Request{ID: id}
	var made, expires int64
	err := s.db.Read.QueryRowContext(ctx, `SELECT client, data, made_at, expires_at FROM authorization_requests
		WHERE id = $1 AND NOT pushed AND expires_at > $2 AND (used_at IS NULL OR used_at > $3)`, id, db.Micros(now), db.Micros(since)).
		Scan(&r.Client, &r.Data, &made, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read an authorization request: %w", err))
	}
	r.MadeAt, r.ExpiresAt = db.FromMicros(made), db.FromMicros(expires)
	return &r, nil
}

// TakePushed uses up a request that its client pushed and returns its data, once.
// False means that there is none.
func (s *Store) TakePushed(ctx context.Context, tx *sql.Tx, id, client string, now time.Time) (data string, taken bool, err error) {
	n, err := db.Change(ctx, tx, "take a pushed request", `UPDATE authorization_requests SET used_at = $1
		WHERE id = $2 AND client = $3 AND pushed AND used_at IS NULL AND expires_at > $1`, db.Micros(now), id, client)
	if err != nil || n == 0 {
		return "", false, err
	}
	err = tx.QueryRowContext(ctx, `SELECT data FROM authorization_requests WHERE id = $1`, id).Scan(&data)
	if err != nil {
		return "", false, fmt.Errorf("read a pushed request: %w", err)
	}
	return data, true, nil
}

// ChangeRequest gives a request that waits at now other data. False means that
// there is none.
func (s *Store) ChangeRequest(ctx context.Context, tx *sql.Tx, id, data string, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "change an authorization request", `UPDATE authorization_requests SET data = $1
		WHERE id = $2 AND NOT pushed AND used_at IS NULL AND expires_at > $3`, data, id, db.Micros(now))
	return n == 1, err
}

// UseRequest notes that a request is answered. False means that it is over, or was
// answered before since.
func (s *Store) UseRequest(ctx context.Context, tx *sql.Tx, id string, now, since time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "use an authorization request", `UPDATE authorization_requests SET used_at = COALESCE(used_at, $1)
		WHERE id = $2 AND NOT pushed AND expires_at > $1 AND (used_at IS NULL OR used_at > $3)`, db.Micros(now), id, db.Micros(since))
	return n == 1, err
}
