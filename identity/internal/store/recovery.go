package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Factors counts what an account has besides its password.
type Factors struct {
	// TOTPSince is when its authenticator was confirmed; zero without one.
	TOTPSince time.Time
	// Passkeys and Recovery (codes that are left) are numbers.
	Passkeys, Recovery int
}

// Factors counts the account's factors.
func (s *Store) Factors(ctx context.Context, account string) (Factors, error) {
	f, err := factors(ctx, s.db.Read, account)
	return f, db.Coded(err)
}

func factors(ctx context.Context, q querier, account string) (f Factors, err error) {
	var since sql.NullInt64
	err = q.QueryRowContext(ctx, `SELECT (SELECT confirmed_at FROM totp WHERE account = $1),
			(SELECT COUNT(*) FROM passkeys WHERE account = $1),
			(SELECT COUNT(*) FROM recovery_codes WHERE account = $1 AND used_at IS NULL)`, account).
		Scan(&since, &f.Passkeys, &f.Recovery)
	if err != nil {
		return Factors{}, fmt.Errorf("count factors: %w", err)
	}
	if since.Valid {
		f.TOTPSince = db.FromMicros(since.Int64)
	}
	return f, nil
}

// DeleteFactors removes all factors of an account, and says which counted. An
// authenticator that waits for its first code goes too.
func (s *Store) DeleteFactors(ctx context.Context, tx *sql.Tx, account string) (had Factors, err error) {
	if had, err = factors(ctx, tx, account); err != nil {
		return Factors{}, err
	}
	for _, table := range []string{"totp", "passkeys", "recovery_codes"} {
		if _, err := db.Change(ctx, tx, "delete from "+table, `DELETE FROM `+table+` WHERE account = $1`, account); err != nil {
			return Factors{}, err
		}
	}
	return had, nil
}

// HasFactor says whether the account has an authenticator or a passkey.
func (s *Store) HasFactor(ctx context.Context, tx *sql.Tx, account string) (has bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM totp WHERE account = $1 AND confirmed_at IS NOT NULL)
		OR EXISTS (SELECT 1 FROM passkeys WHERE account = $1)`, account).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for factors: %w", err)
	}
	return has, nil
}

// PutRecovery writes the hashes of recovery codes in place of all older ones.
func (s *Store) PutRecovery(ctx context.Context, tx *sql.Tx, account string, hashes [][]byte) error {
	if _, err := db.Change(ctx, tx, "delete recovery codes", `DELETE FROM recovery_codes WHERE account = $1`, account); err != nil {
		return err
	}
	rows := make([][]any, len(hashes))
	for i, h := range hashes {
		rows[i] = []any{account, h}
	}
	if err := s.db.Insert(ctx, tx, "recovery_codes", []string{"account", "hash"}, rows); err != nil {
		return fmt.Errorf("write recovery codes: %w", err)
	}
	return nil
}

// UseRecovery uses a recovery code up. False means that there is none with the
// hash, or that it was used before.
func (s *Store) UseRecovery(ctx context.Context, tx *sql.Tx, account string, hash []byte, at time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "use a recovery code",
		`UPDATE recovery_codes SET used_at = $1 WHERE account = $2 AND hash = $3 AND used_at IS NULL`, db.Micros(at), account, hash)
	return n == 1, err
}
