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

// AccessToken is what an access token can be revoked by: itself, its client, and its
// grant, empty for none.
type AccessToken struct {
	ID, Grant, Client string
	Issued            time.Time
}

// Revoked says of access tokens which are worth nothing at now: the token, its client
// after it was issued, or its grant was revoked, or the grant does not live.
func (s *Store) Revoked(ctx context.Context, tokens []AccessToken, now time.Time) (map[AccessToken]bool, error) {
	ids, grants, clients := make([]string, len(tokens)), make([]string, len(tokens)), make([]string, len(tokens))
	for i, t := range tokens {
		ids[i], grants[i], clients[i] = t.ID, t.Grant, t.Client
	}
	//nolint:gosec // Among is constant texts
	rows, err := s.db.Read.QueryContext(ctx, `SELECT kind, subject, made_at FROM revocations WHERE kind = 'token' AND `+s.db.Among("subject", 2)+` AND expires_at > $1
		UNION ALL SELECT kind, subject, made_at FROM revocations WHERE kind = 'client' AND `+s.db.Among("subject", 3)+` AND expires_at > $1
		UNION ALL SELECT 'lives', g.id, g.made_at FROM`+grantTables+`WHERE `+s.db.Among("g.id", 4)+` AND `+grantLives,
		db.Micros(now), s.db.Texts(ids), s.db.Texts(clients), s.db.Texts(grants))
	if err != nil {
		return nil, db.Coded(wrap("look for revocations", err))
	}
	defer func() { _ = rows.Close() }()
	type about struct{ kind, subject string }
	last := map[about]int64{} // when, in microseconds
	for rows.Next() {
		var a about
		var at int64
		if err := rows.Scan(&a.kind, &a.subject, &at); err != nil {
			return nil, wrap("look for revocations", err)
		}
		last[a] = max(last[a], at)
	}
	revoked := map[AccessToken]bool{}
	for _, t := range tokens {
		_, itself := last[about{RevokedToken, t.ID}]
		_, lives := last[about{"lives", t.Grant}]
		client, ended := last[about{RevokedClient, t.Client}]
		if itself || ended && client >= db.Micros(t.Issued) || t.Grant != "" && !lives {
			revoked[t] = true
		}
	}
	return revoked, db.Coded(wrap("look for revocations", rows.Err()))
}
