package store

import (
	"context"
	"database/sql"
	"time"

	"guildhall/platform/db"
)

// What a revocation is of.
const (
	RevokedToken   = "token"
	RevokedGrant   = "grant"
	RevokedClient  = "client"
	RevokedSession = "session"
	RevokedAccount = "account"
)

// Revocation is what was revoked, in the order of the commits.
type Revocation struct {
	Seq               uint64
	Kind, Subject     string
	MadeAt, ExpiresAt time.Time
}

// RevocationsAfter are at most limit revocations after a number, by number.
func (s *Store) RevocationsAfter(ctx context.Context, after uint64, limit int) (all []Revocation, err error) {
	//nolint:gosec // numbers count rows
	rows, err := s.db.Read.QueryContext(ctx, `SELECT seq, kind, subject, made_at, expires_at FROM revocations WHERE seq > $1 ORDER BY seq LIMIT $2`, int64(after), limit)
	if err != nil {
		return nil, db.Coded(wrap("read revocations", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r Revocation
		var seq, made, expires int64
		if err := rows.Scan(&seq, &r.Kind, &r.Subject, &made, &expires); err != nil {
			return nil, wrap("read revocations", err)
		}
		r.Seq, r.MadeAt, r.ExpiresAt = uint64(seq), db.FromMicros(made), db.FromMicros(expires) //nolint:gosec // numbers count rows
		all = append(all, r)
	}
	return all, db.Coded(wrap("read revocations", rows.Err()))
}

// AddRevocations writes what is revoked from now on, until its last token is over.
// The transaction began with the journal, so the numbers have no gaps, and one that
// is read is followed by greater ones alone.
func (s *Store) AddRevocations(ctx context.Context, tx *sql.Tx, kind string, subjects []string, now, until time.Time) error {
	if len(subjects) == 0 {
		return nil
	}
	var last int64
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM revocations`).Scan(&last); err != nil {
		return wrap("read the last revocation", err)
	}
	rows := make([][]any, len(subjects))
	for i, subject := range subjects {
		rows[i] = []any{last + int64(i) + 1, kind, subject, db.Micros(now), db.Micros(until)}
	}
	return s.db.Insert(ctx, tx, "revocations", []string{"seq", "kind", "subject", "made_at", "expires_at"}, rows)
}

// Revoked says whether an access token is worth nothing at now: the token, its
// client after issued, or its grant (empty: it has none) was revoked, or the grant
// does not live.
func (s *Store) Revoked(ctx context.Context, jti, grant, client string, issued, now time.Time) (revoked bool, err error) {
	query := `SELECT EXISTS (SELECT 1 FROM revocations WHERE kind = 'token' AND subject = $2 AND expires_at > $1)
		OR EXISTS (SELECT 1 FROM revocations WHERE kind = 'client' AND subject = $3 AND made_at >= $4 AND expires_at > $1)`
	args := []any{db.Micros(now), jti, client, db.Micros(issued)}
	if grant != "" {
		query += ` OR NOT EXISTS (SELECT 1 FROM` + grantTables + `WHERE g.id = $5 AND ` + grantLives + `)`
		args = append(args, grant)
	}
	err = s.db.Read.QueryRowContext(ctx, query, args...).Scan(&revoked)
	return revoked, db.Coded(wrap("look for a revocation", err))
}
