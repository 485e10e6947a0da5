package account

import (
	"context"
	"database/sql"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// ErrElsewhere refuses to change a password that is not kept here.
var ErrElsewhere = fault.New(fault.Conflict, "password_elsewhere", "This password is kept in the company's directory. Change it there.")

// Elsewhere has the passwords of some accounts in place of us: a directory.
type Elsewhere struct {
	// Has says whether the account comes from there.
	Has func(ctx context.Context, account string) (bool, error)
	// Keeps says whether it has the account's.
	Keeps func(ctx context.Context, account string) (bool, error)
	// Verify says whether the password is the account's. The account "" is nobody's,
	// and as much work. An error with a fault is told to whoever tries.
	Verify func(ctx context.Context, account, password string) (right bool, err error)
}

// kept says whether the password of an account is kept elsewhere.
func (s *Service) kept(ctx context.Context, row *store.Account) (bool, error) {
	if row == nil || s.o.Elsewhere.Keeps == nil {
		return false, nil
	}
	return s.o.Elsewhere.Keeps(ctx, row.ID)
}

// elsewhere asks for a password that is not one of ours. It does so for whatever was
// typed, so that the time of the answer tells nothing.
func (s *Service) elsewhere(ctx context.Context, row *store.Account, kept bool, password string) (right bool, err error) {
	if s.o.Elsewhere.Verify == nil {
		return false, nil
	}
	account := ""
	if kept {
		account = row.ID
	}
	return s.o.Elsewhere.Verify(ctx, account, password)
}

// SetFirst gives an account the password that its owner chooses by a letter; within
// spends the letter, in the same transaction. A wrong field is called "password".
func (s *Service) SetFirst(ctx context.Context, id, password string, by audit.Caller, within func(tx *sql.Tx) error) error {
	row, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	if row.State != store.Active {
		return ErrDisabled
	}
	if err := s.o.Hasher.Check("password", password, row.Email, row.Name); err != nil {
		return err
	}
	phc, err := s.o.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		if err := within(tx); err != nil {
			return err
		}
		return s.setPassword(ctx, tx, row, newSecret{phc: phc}, journal.PasswordReset, by.As(row.ID))
	})
}
