package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// TOTP is the secret that an authenticator app shares with us.
type TOTP struct {
	Account string
	// Secret is sealed.
	Secret []byte
	// ConfirmedAt is zero until the authenticator has shown its first code.
	ConfirmedAt time.Time
	// LastStep is the newest time step that no code is accepted for any more.
	LastStep int64
}

// Confirmed says whether it counts as a factor.
func (t TOTP) Confirmed() bool { return !t.ConfirmedAt.IsZero() }

// TOTP is the account's secret, if it has one.
func (s *Store) TOTP(ctx context.Context, tx *sql.Tx, account string) (_ TOTP, found bool, err error) {
	t := TOTP{Account: account}
	var confirmed sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT secret, confirmed_at, last_step FROM totp WHERE account = $1`, account).
		Scan(&t.Secret, &confirmed, &t.LastStep)
	if errors.Is(err, sql.ErrNoRows) {
		return TOTP{}, false, nil
	}
	if err != nil {
		return TOTP{}, false, fmt.Errorf("read an authenticator: %w", err)
	}
	if confirmed.Valid {
		t.ConfirmedAt = db.FromMicros(confirmed.Int64)
	}
	return t, true, nil
}

// PutTOTP writes a secret that is to be confirmed, in place of another such one.
func (s *Store) PutTOTP(ctx context.Context, tx *sql.Tx, t TOTP) error {
	_, err := db.Change(ctx, tx, "write an authenticator", `INSERT INTO totp (account, secret, last_step) VALUES ($1, $2, $3)
		ON CONFLICT (account) DO UPDATE SET secret = excluded.secret, last_step = excluded.last_step WHERE totp.confirmed_at IS NULL`,
		t.Account, t.Secret, t.LastStep)
	return err
}

// ConfirmTOTP makes an unconfirmed secret count, with the step of its first
// code.
func (s *Store) ConfirmTOTP(ctx context.Context, tx *sql.Tx, account string, step int64, at time.Time) error {
	_, err := db.Change(ctx, tx, "confirm an authenticator",
		`UPDATE totp SET confirmed_at = $1, last_step = $2 WHERE account = $3 AND confirmed_at IS NULL`, db.Micros(at), step, account)
	return err
}

// UseTOTP uses a time step up. False means that it, or one after it, was used
// before.
func (s *Store) UseTOTP(ctx context.Context, tx *sql.Tx, account string, step int64) (bool, error) {
	n, err := db.Change(ctx, tx, "use a code of an authenticator",
		`UPDATE totp SET last_step = $1 WHERE account = $2 AND confirmed_at IS NOT NULL AND last_step < $1`, step, account)
	return n == 1, err
}

// DeleteTOTP removes the account's secret. False means that it had none that was
// confirmed.
func (s *Store) DeleteTOTP(ctx context.Context, tx *sql.Tx, account string) (bool, error) {
	n, err := db.Change(ctx, tx, "delete an authenticator", `DELETE FROM totp WHERE account = $1 AND confirmed_at IS NOT NULL`, account)
	return n == 1, err
}
