package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Code is a challenge as it is kept.
type Code struct {
	ID, Purpose string
	// Account is empty when there was none with the address.
	Account         string
	Email, EmailKey string
	Language        string
	// Data is sealed; nil when there was none, and after the code's use.
	Data []byte
	// Hash is nil while the code is good for nothing.
	Hash  []byte
	Tries int
	// SentAt is when the last letter was asked for.
	MadeAt, ExpiresAt, SentAt time.Time
	// Wanted are the letters asked for, Letters those dealt with.
	Wanted, Letters int
	// UsedAt is zero while it is unused.
	UsedAt time.Time
}

// InsertCode writes a new challenge that waits for its first letter.
func (s *Store) InsertCode(ctx context.Context, tx *sql.Tx, c *Code) error {
	_, err := db.Change(ctx, tx, "write a code", `INSERT INTO codes (id, purpose, account, email, email_key, language, data, tries, made_at,
		expires_at, sent_at, wanted, letters) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $8, 1, 0)`,
		c.ID, c.Purpose, sql.NullString{String: c.Account, Valid: c.Account != ""}, c.Email, c.EmailKey, c.Language, c.Data,
		db.Micros(c.MadeAt), db.Micros(c.ExpiresAt))
	return err
}

// Code is the challenge with the id, or nil.
func (s *Store) Code(ctx context.Context, tx *sql.Tx, id string) (*Code, error) {
	c := Code{ID: id}
	var account sql.NullString
	var made, expires int64
	var sent, used sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT purpose, account, email, email_key, language, data, hash, tries, made_at, expires_at, sent_at,
		wanted, letters, used_at FROM codes WHERE id = $1`, id).
		Scan(&c.Purpose, &account, &c.Email, &c.EmailKey, &c.Language, &c.Data, &c.Hash, &c.Tries, &made, &expires, &sent,
			&c.Wanted, &c.Letters, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a code: %w", err)
	}
	c.Account, c.MadeAt, c.ExpiresAt, c.SentAt = account.String, db.FromMicros(made), db.FromMicros(expires), db.FromMicros(sent.Int64)
	if used.Valid {
		c.UsedAt = db.FromMicros(used.Int64)
	}
	return &c, nil
}

// TryCode counts a try. False means that there is none left, or no such live
// challenge.
func (s *Store) TryCode(ctx context.Context, tx *sql.Tx, id, purpose string, tries int, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "count a try of a code", `UPDATE codes SET tries = tries + 1
		WHERE id = $1 AND purpose = $2 AND tries < $3 AND expires_at > $4 AND used_at IS NULL`, id, purpose, tries, db.Micros(now))
	return n == 1, err
}

// UseCode ends a challenge and forgets what it sealed. False means that it had
// ended before.
func (s *Store) UseCode(ctx context.Context, tx *sql.Tx, id string, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "use a code", `UPDATE codes SET used_at = $1, data = NULL, hash = NULL WHERE id = $2 AND used_at IS NULL`, db.Micros(now), id)
	return n == 1, err
}

// WantLetter asks for another letter of a challenge that was made after since
// and got no letter after pause. False means that it is not.
func (s *Store) WantLetter(ctx context.Context, tx *sql.Tx, id string, now, since, pause time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "ask for a letter", `UPDATE codes SET wanted = wanted + 1, sent_at = $1
		WHERE id = $2 AND used_at IS NULL AND made_at > $3 AND sent_at <= $4`, db.Micros(now), id, db.Micros(since), db.Micros(pause))
	return n == 1, err
}

// RenewCode gives a challenge the hash of a new code (nil: none), with all its
// tries, and notes that its letters were dealt with.
func (s *Store) RenewCode(ctx context.Context, tx *sql.Tx, id string, hash []byte, expires time.Time) error {
	_, err := db.Change(ctx, tx, "renew a code", `UPDATE codes SET hash = $1, tries = 0, expires_at = $2, letters = letters + 1, wanted = letters + 1 WHERE id = $3`,
		hash, db.Micros(expires), id)
	return err
}

// UnwantLetter takes back the wish for a letter.
func (s *Store) UnwantLetter(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := db.Change(ctx, tx, "take back a letter", `UPDATE codes SET wanted = letters WHERE id = $1`, id)
	return err
}

// CodeLetters counts the letters about codes for an address since then.
func (s *Store) CodeLetters(ctx context.Context, tx *sql.Tx, emailKey string, since time.Time) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(letters), 0) AS BIGINT) FROM codes WHERE email_key = $1 AND sent_at > $2`,
		emailKey, db.Micros(since)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count letters: %w", err)
	}
	return n, nil
}

// VoidCodes ends all challenges of an account.
func (s *Store) VoidCodes(ctx context.Context, tx *sql.Tx, account string, now time.Time) error {
	_, err := db.Change(ctx, tx, "void codes", `UPDATE codes SET used_at = $1, data = NULL, hash = NULL WHERE account = $2 AND used_at IS NULL`, db.Micros(now), account)
	return err
}

// DeleteCodes removes challenges made before then.
func (s *Store) DeleteCodes(ctx context.Context, tx *sql.Tx, before time.Time) (int64, error) {
	return db.Change(ctx, tx, "delete old codes", `DELETE FROM codes WHERE made_at < $1`, db.Micros(before))
}

// ForgetCodes removes all challenges of an account that is deleted.
func (s *Store) ForgetCodes(ctx context.Context, tx *sql.Tx, account string) error {
	_, err := db.Change(ctx, tx, "delete codes", `DELETE FROM codes WHERE account = $1`, account)
	return err
}
