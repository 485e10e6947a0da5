package account

import (
	"context"

	"guildhall/identity/internal/store"
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
