package account

import (
	"context"
	"database/sql"
	"errors"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// unknown is the subject of what is recorded about addresses without an account.
// What was typed may be anything, a password too.
const unknown = "unknown"

// SignIn is the account with the address and the password, or ErrSignIn. What
// else it takes to be signed in, second factors and a session, is not its matter.
func (s *Service) SignIn(ctx context.Context, r SignInRequest) (*Account, error) {
	// The key of whatever was typed: a mistyped address is a try like another.
	key := EmailKey(r.Email)
	keys := guessed(key, r.By)
	if err := s.o.Gate.Allow(ctx, keys...); err != nil {
		return nil, err
	}
	row, err := s.o.Store.AccountOf(ctx, key)
	if err != nil {
		return nil, s.release(ctx, err, keys)
	}
	right, rehash, err := s.compare(ctx, row, r.Password)
	if err != nil {
		return nil, s.release(ctx, err, keys)
	}
	settled := context.WithoutCancel(ctx)
	if !right || row.State != store.Active {
		return nil, first(s.refused(settled, r.By, journal.SignInRefused, row, ErrSignIn, keys), ErrSignIn)
	}
	var phc string
	if rehash {
		if phc, err = s.o.Hasher.Hash(ctx, r.Password); err != nil {
			return nil, s.release(ctx, err, keys)
		}
	}
	err = s.o.Journal.Write(settled, func(tx *sql.Tx) error {
		if err := s.unchanged(settled, tx, row); errors.Is(err, errMeanwhile) {
			return ErrSignIn
		} else if err != nil {
			return err
		}
		if err := s.o.Gate.SucceededIn(settled, tx, r.By.As(row.ID), keys...); err != nil {
			return err
		}
		if rehash {
			if err := s.o.Store.RehashPassword(settled, tx, row.ID, row.Password, phc); err != nil {
				return err
			}
		}
		return s.o.Journal.Append(settled, tx, r.By.As(row.ID), journal.SignedIn, row.ID, nil)
	})
	if err != nil {
		return nil, err
	}
	return public(row), nil
}

// unchanged is nil while an account is active and has the password that was
// compared: meanwhile it may have been changed because it was known to others.
func (s *Service) unchanged(ctx context.Context, tx *sql.Tx, compared *store.Account) error {
	now, err := s.o.Store.AccountIn(ctx, tx, compared.ID)
	if err == nil && (now == nil || now.State != store.Active || now.Password != compared.Password) {
		err = errMeanwhile
	}
	return err
}

// CheckPassword is nil when the password is the account's: before something that
// an unattended browser must not do. The fault stands beside the field "password".
func (s *Service) CheckPassword(ctx context.Context, id, password string, by audit.Caller) error {
	_, err := s.verify(ctx, id, "password", password, by)
	return err
}

// verify is the active account with the id, if the password is its own.
func (s *Service) verify(ctx context.Context, id, field, password string, by audit.Caller) (*store.Account, error) {
	row, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if row.State != store.Active {
		return nil, ErrDisabled
	}
	keys := guessed(row.EmailKey, by)
	if err := s.o.Gate.Allow(ctx, keys...); err != nil {
		return nil, err
	}
	right, _, err := s.compare(ctx, row, password)
	if err != nil {
		return nil, s.release(ctx, err, keys)
	}
	settled := context.WithoutCancel(ctx)
	if !right {
		wrong := fault.Fields(fault.Field{Name: field, Code: "wrong_password", Detail: "This is not your password. Type it again."})
		return nil, first(s.refused(settled, by, journal.PasswordRefused, row, wrong, keys), wrong)
	}
	return row, s.o.Gate.Succeeded(settled, by, keys...)
}

// guessed are the keys by which tries at a password are counted, at whatever
// door.
func guessed(emailKey string, by audit.Caller) []throttle.Key {
	return []throttle.Key{throttle.Account("password:" + emailKey), throttle.Address(by.From)}
}

// compare takes as long for an account that does not exist, and for one whose
// password is kept elsewhere.
func (s *Service) compare(ctx context.Context, row *store.Account, password string) (right, rehash bool, err error) {
	kept, err := s.kept(ctx, row)
	if err != nil {
		return false, false, err
	}
	if row == nil || kept {
		err = s.o.Hasher.Decoy(ctx, password)
	} else {
		right, rehash, err = s.o.Hasher.Verify(ctx, row.Password, password)
	}
	if right || err != nil {
		return right, rehash, err
	}
	right, err = s.elsewhere(ctx, row, kept, password)
	return right, false, err
}

// refused records a wrong password.
func (s *Service) refused(ctx context.Context, by audit.Caller, action string, row *store.Account, why error, keys []throttle.Key) error {
	subject := unknown
	if row != nil {
		subject = row.ID
	}
	return s.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		if err := s.o.Journal.Append(ctx, tx, by, action, subject, map[string]any{"code": fault.As(why).Code}); err != nil {
			return err
		}
		return s.o.Gate.FailedIn(ctx, tx, by, keys...)
	})
}

// release takes back a try that was not wrong: our own trouble is no guess.
func (s *Service) release(ctx context.Context, trouble error, keys []throttle.Key) error {
	if err := s.o.Gate.Release(context.WithoutCancel(ctx), keys...); err != nil {
		s.o.Log.ErrorContext(ctx, "a try that was not looked at stays counted", "err", err)
	}
	return trouble
}
