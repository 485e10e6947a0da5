package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"guildhall/platform/db"
)

// The states of an account.
const (
	Active   = "active"
	Disabled = "disabled"
	// Invited is a state to search for: active, and the owner has not come yet.
	Invited = "invited"
)

// Account is an account as it is kept.
type Account struct {
	ID, Email, EmailKey   string
	Name, Language, Theme string
	// Password is a PHC string.
	Password      string
	PasswordSetAt time.Time
	MustChange    bool
	// EmailProved says that a code came back from the address.
	EmailProved bool
	// SecondRequired says that nothing opens before there is a second factor.
	SecondRequired bool
	// Picture is the name of its picture; empty: it has none.
	Picture   string
	State     string
	CreatedAt time.Time
	// DisabledAt is zero unless it is disabled.
	DisabledAt time.Time
}

// querier is a transaction or the read pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const accountColumns = `SELECT id, email, email_key, name, language, theme, password, password_set_at, must_change,
	email_proved, second_required, state, created_at, disabled_at,
	COALESCE((SELECT p.name FROM pictures p WHERE p.account = accounts.id), '') FROM accounts `

func scanAccount(row scanner) (*Account, error) {
	var a Account
	var set, created int64
	var disabled sql.NullInt64
	err := row.Scan(&a.ID, &a.Email, &a.EmailKey, &a.Name, &a.Language, &a.Theme, &a.Password, &set, &a.MustChange,
		&a.EmailProved, &a.SecondRequired, &a.State, &created, &disabled, &a.Picture)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read an account: %w", err)
	}
	a.PasswordSetAt, a.CreatedAt = db.FromMicros(set), db.FromMicros(created)
	if disabled.Valid {
		a.DisabledAt = db.FromMicros(disabled.Int64)
	}
	return &a, nil
}

// Account is the one with the id, or nil.
func (s *Store) Account(ctx context.Context, id string) (*Account, error) {
	a, err := account(ctx, s.db.Read, id)
	return a, db.Coded(err)
}

// AccountIn is Account as the transaction sees it.
func (s *Store) AccountIn(ctx context.Context, tx *sql.Tx, id string) (*Account, error) {
	return account(ctx, tx, id)
}

func account(ctx context.Context, q querier, id string) (*Account, error) {
	return scanAccount(q.QueryRowContext(ctx, accountColumns+`WHERE id = $1`, id))
}

// AccountOf is the account with the address, by its key, or nil.
func (s *Store) AccountOf(ctx context.Context, emailKey string) (*Account, error) {
	a, err := accountOf(ctx, s.db.Read, emailKey)
	return a, db.Coded(err)
}

// AccountOfIn is AccountOf as the transaction sees it.
func (s *Store) AccountOfIn(ctx context.Context, tx *sql.Tx, emailKey string) (*Account, error) {
	return accountOf(ctx, tx, emailKey)
}

func accountOf(ctx context.Context, q querier, emailKey string) (*Account, error) {
	return scanAccount(q.QueryRowContext(ctx, accountColumns+`WHERE email_key = $1`, emailKey))
}

// InsertAccount writes a new account. False means that another has its address.
func (s *Store) InsertAccount(ctx context.Context, tx *sql.Tx, a *Account) (bool, error) {
	n, err := db.Change(ctx, tx, "write an account", `INSERT INTO accounts (id, email, email_key, name, name_key, language, theme, password,
		password_set_at, must_change, email_proved, second_required, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (email_key) DO NOTHING`,
		a.ID, a.Email, a.EmailKey, a.Name, strings.ToLower(a.Name), a.Language, a.Theme, a.Password, db.Micros(a.PasswordSetAt), a.MustChange,
		a.EmailProved, a.SecondRequired, a.State, db.Micros(a.CreatedAt))
	return n == 1, err
}

// SetPassword replaces the hash old by another, which must be changed at the next
// sign-in when mustChange. False means that it is not old any more.
func (s *Store) SetPassword(ctx context.Context, tx *sql.Tx, id, old, phc string, mustChange bool, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "write a password", `UPDATE accounts SET password = $1, password_set_at = $2, must_change = $3 WHERE id = $4 AND password = $5`,
		phc, db.Micros(now), mustChange, id, old)
	return n == 1, err
}

// RehashPassword is SetPassword for the same password at another cost.
func (s *Store) RehashPassword(ctx context.Context, tx *sql.Tx, id, old, phc string) error {
	_, err := db.Change(ctx, tx, "rehash a password", `UPDATE accounts SET password = $1 WHERE id = $2 AND password = $3`, phc, id, old)
	return err
}

// SetEmail changes an account's address to one that is proved. False means that
// another account has it.
func (s *Store) SetEmail(ctx context.Context, tx *sql.Tx, id, email, emailKey string) (bool, error) {
	n, err := db.Change(ctx, tx, "write an address", `UPDATE accounts SET email = $1, email_key = $2, email_proved = $4
		WHERE id = $3 AND NOT EXISTS (SELECT 1 FROM accounts other WHERE other.email_key = $2 AND other.id <> $3)`, email, emailKey, id, true)
	return n == 1, err
}

// SetProfile changes what a person says of himself.
func (s *Store) SetProfile(ctx context.Context, tx *sql.Tx, id, name, language, theme string) error {
	_, err := db.Change(ctx, tx, "write a profile", `UPDATE accounts SET name = $1, name_key = $2, language = $3, theme = $4 WHERE id = $5`,
		name, strings.ToLower(name), language, theme, id)
	return err
}

// DeleteAccount removes an account with its sessions and factors.
func (s *Store) DeleteAccount(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := db.Change(ctx, tx, "delete an account", `DELETE FROM accounts WHERE id = $1`, id)
	return err
}
