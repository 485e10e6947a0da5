package account

import (
	"cmp"
	"context"
	"database/sql"

	"guildhall/identity/internal/code"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
)

// RequestReset begins the reset of a forgotten password: a letter with a code
// goes to the address if it has an account. The answer is the same if not.
func (s *Service) RequestReset(ctx context.Context, email, language string, by audit.Caller) (challenge string, err error) {
	var wrong fields
	email, key := wrong.email(email)
	language = wrong.language(language)
	if err := wrong.err(); err != nil {
		return "", err
	}
	if err := s.ask(ctx, by); err != nil {
		return "", err
	}
	row, err := s.o.Store.AccountOf(ctx, key)
	if err != nil {
		return "", err
	}
	ask := code.Ask{Purpose: code.Reset, Email: email, EmailKey: key, Language: language, By: by}
	if row != nil {
		ask.Account = row.ID
	}
	return s.codes.Ask(ctx, ask)
}

// Reset gives the account of a challenge a new password and ends all its
// sessions. Whoever knew the old password, or has begun something with it, is out.
func (s *Service) Reset(ctx context.Context, challenge, text, newPassword string, by audit.Caller) (*Account, error) {
	if err := s.o.Hasher.Check("password", newPassword, "", ""); err != nil {
		return nil, err
	}
	var phc string
	hash := func() (err error) {
		phc, err = s.o.Hasher.Hash(ctx, newPassword)
		return err
	}
	var row *store.Account
	err := s.redeem(ctx, challenge, text, code.Reset, by, hash, func(tx *sql.Tx, c code.Code) (err error) {
		row, err = s.o.Store.AccountIn(ctx, tx, c.Account)
		switch {
		case err != nil:
			return err
		case row == nil || row.EmailKey != c.EmailKey:
			return code.Beside(code.ErrOver)
		case row.State != store.Active:
			return ErrDisabled
		}
		// Only the code tells whose it is. When this refuses, the code stays good.
		if err := s.o.Hasher.Check("password", newPassword, row.Email, row.Name); err != nil {
			return err
		}
		by := by.As(row.ID)
		if err := s.o.Store.ProveEmail(ctx, tx, row.ID); err != nil {
			return err
		}
		if err := s.o.Gate.ClearIn(ctx, tx, by, throttle.Account("password:"+row.EmailKey)); err != nil {
			return err
		}
		return s.setPassword(ctx, tx, row, newSecret{phc: phc}, journal.PasswordReset, by)
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, row.ID)
}

// ChangePassword replaces the password old by new and ends the other sessions.
// Wrong fields are called "old" and "new"; both are told at once.
func (s *Service) ChangePassword(ctx context.Context, id, oldPassword, newPassword, keepSession string, by audit.Caller) error {
	row, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	var wrong fields
	compared, err := s.verify(ctx, id, "old", oldPassword, by)
	if err := wrong.join(err); err != nil {
		return err
	}
	if compared != nil {
		row = compared
	}
	if err := wrong.join(s.o.Hasher.Check("new", newPassword, row.Email, row.Name)); err != nil {
		return err
	}
	if len(wrong) == 0 && newPassword == oldPassword {
		wrong.add("new", "same_password", "This is the password that you have. Choose another.")
	}
	if err := wrong.err(); err != nil {
		return err
	}
	phc, err := s.o.Hasher.Hash(ctx, newPassword)
	if err != nil {
		return err
	}
	return s.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		return s.setPassword(ctx, tx, row, newSecret{phc: phc, keepSession: keepSession}, journal.PasswordChanged, by)
	})
}

// newSecret is what replaces a password.
type newSecret struct {
	phc string
	// mustChange says that it is good for one sign-in.
	mustChange bool
	// keepSession is the session that does not end; empty: all end.
	keepSession string
}

// setPassword also ends what somebody may have begun who knew the old one.
func (s *Service) setPassword(ctx context.Context, tx *sql.Tx, row *store.Account, p newSecret, action string, by audit.Caller) error {
	if kept, err := s.kept(ctx, row); err != nil || kept {
		return cmp.Or(err, error(ErrElsewhere))
	}
	now := s.o.Now()
	set, err := s.o.Store.SetPassword(ctx, tx, row.ID, row.Password, p.phc, p.mustChange, now)
	if err != nil {
		return err
	}
	if !set {
		return errMeanwhile
	}
	row.PasswordSetAt, row.MustChange = now, p.mustChange
	if err := s.o.EndSessions(ctx, tx, row.ID, p.keepSession); err != nil {
		return err
	}
	if err := s.void(ctx, tx, row.ID); err != nil {
		return err
	}
	if err := s.tell(ctx, tx, row, letterPasswordChanged, s.event(by)); err != nil {
		return err
	}
	return s.o.Journal.Append(ctx, tx, by, action, row.ID, nil)
}

// void takes back the codes and the link that letters have brought.
func (s *Service) void(ctx context.Context, tx *sql.Tx, id string) error {
	if err := s.codes.Void(ctx, tx, id); err != nil {
		return err
	}
	return s.o.Store.DropLink(ctx, tx, id)
}
