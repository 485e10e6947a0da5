package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
)

// maxConsents bounds a list of consents.
const maxConsents = 1000

// Consent is a consent as it is kept.
type Consent struct {
	Account, Client, Scopes string
	MadeAt, ChangedAt       time.Time
}

// Consent is the scopes that the account allowed the client, and whether it did.
func (s *Store) Consent(ctx context.Context, account, client string) (scopes string, given bool, err error) {
	scopes, given, err = consent(ctx, s.db.Read, account, client)
	return scopes, given, db.Coded(err)
}

// ConsentIn is Consent in a transaction that writes.
func (s *Store) ConsentIn(ctx context.Context, tx *sql.Tx, account, client string) (scopes string, given bool, err error) {
	return consent(ctx, tx, account, client)
}

func consent(ctx context.Context, q querier, account, client string) (scopes string, given bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT scopes FROM consents WHERE account = $1 AND client = $2`, account, client).Scan(&scopes)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return scopes, err == nil, wrap("read a consent", err)
}

// Consents are those of the account, the last changed first.
func (s *Store) Consents(ctx context.Context, account string) (all []Consent, err error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT account, client, scopes, made_at, changed_at FROM consents WHERE account = $1
		ORDER BY changed_at DESC, client LIMIT $2`, account, maxConsents)
	if err != nil {
		return nil, db.Coded(wrap("list consents", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c Consent
		var made, changed int64
		if err := rows.Scan(&c.Account, &c.Client, &c.Scopes, &made, &changed); err != nil {
			return nil, wrap("list consents", err)
		}
		c.MadeAt, c.ChangedAt = db.FromMicros(made), db.FromMicros(changed)
		all = append(all, c)
	}
	return all, db.Coded(rows.Err())
}

// SetConsent writes what an account allows a client.
func (s *Store) SetConsent(ctx context.Context, tx *sql.Tx, account, client, scopes string, now time.Time) error {
	_, err := db.Change(ctx, tx, "write a consent", `INSERT INTO consents (account, client, scopes, made_at, changed_at) VALUES ($1, $2, $3, $4, $4)
		ON CONFLICT (account, client) DO UPDATE SET scopes = excluded.scopes, changed_at = excluded.changed_at`, account, client, scopes, db.Micros(now))
	return err
}

// DeleteConsent forgets what an account allowed a client. False means that there
// was nothing.
func (s *Store) DeleteConsent(ctx context.Context, tx *sql.Tx, account, client string) (bool, error) {
	n, err := db.Change(ctx, tx, "delete a consent", `DELETE FROM consents WHERE account = $1 AND client = $2`, account, client)
	return n == 1, err
}
