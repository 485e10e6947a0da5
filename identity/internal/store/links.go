package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
)

// PutLink gives an account the hash of a link in place of the one that it had.
func (s *Store) PutLink(ctx context.Context, tx *sql.Tx, account, emailKey string, hash []byte, ends time.Time) error {
	_, err := db.Change(ctx, tx, "write a link", `INSERT INTO links (account, email_key, hash, ends_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account) DO UPDATE SET email_key = excluded.email_key, hash = excluded.hash, ends_at = excluded.ends_at`,
		account, emailKey, hash, db.Micros(ends))
	return err
}

// Linked is the account that a link is for, or "".
func (s *Store) Linked(ctx context.Context, hash []byte, now time.Time) (account string, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT a.id FROM links l JOIN accounts a ON a.id = l.account AND a.email_key = l.email_key
		WHERE l.hash = $1 AND l.ends_at > $2`, hash, db.Micros(now)).Scan(&account)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return account, db.Coded(wrap("look for a link", err))
}

// SpendLink uses a link up. False means that it is not good any more.
func (s *Store) SpendLink(ctx context.Context, tx *sql.Tx, hash []byte, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "use a link", `DELETE FROM links WHERE hash = $1 AND ends_at > $2
		AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = links.account AND a.email_key = links.email_key)`, hash, db.Micros(now))
	return n == 1, err
}

// DropLink takes an account's link back.
func (s *Store) DropLink(ctx context.Context, tx *sql.Tx, account string) error {
	_, err := db.Change(ctx, tx, "take back a link", `DELETE FROM links WHERE account = $1`, account)
	return err
}

// PurgeLinks deletes those that are over.
func (s *Store) PurgeLinks(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := db.Change(ctx, tx, "delete links that are over", `DELETE FROM links WHERE ends_at <= $1`, db.Micros(now))
	return err
}
