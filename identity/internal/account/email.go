package account

import (
	"context"
	"database/sql"

	"guildhall/identity/internal/code"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
)

// RequestEmail begins the change of an account's address: a code goes to the new
// one. The answer is the same when another account has it. Wrong fields are
// called "password" and "email".
func (s *Service) RequestEmail(ctx context.Context, id, password, email string, by audit.Caller) (challenge string, err error) {
	row, err := s.verify(ctx, id, "password", password, by)
	if err != nil {
		return "", err
	}
	var wrong fields
	email, key := wrong.email(email)
	if len(wrong) == 0 && email == row.Email {
		wrong.add("email", "same_email", "This is the address that you have. Type the new one.")
	}
	if err := wrong.err(); err != nil {
		return "", err
	}
	return s.codes.Ask(ctx, code.Ask{Purpose: code.Email, Account: row.ID, Email: email, EmailKey: key, Language: row.Language, By: by,
		Unless: func(tx *sql.Tx) error { return s.unchanged(ctx, tx, row) }})
}

// ConfirmEmail ends the change of an account's address. The old address is told,
// and what was begun with it is over.
func (s *Service) ConfirmEmail(ctx context.Context, id, challenge, text string, by audit.Caller) error {
	return s.redeem(ctx, challenge, text, code.Email, by, nil, func(tx *sql.Tx, c code.Code) error {
		row, err := s.o.Store.AccountIn(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case row == nil || c.Account != id:
			return code.Beside(code.ErrOver)
		case row.State != store.Active:
			return ErrDisabled
		}
		changed, err := s.o.Store.SetEmail(ctx, tx, id, c.Email, c.EmailKey)
		if err != nil {
			return err
		}
		if !changed {
			return ErrTaken
		}
		if err := s.codes.Void(ctx, tx, id); err != nil {
			return err
		}
		data := s.event(by)
		data["Email"] = HideEmail(c.Email)
		if err := s.tell(ctx, tx, row, letterEmailChanged, data); err != nil {
			return err
		}
		return s.o.Journal.Append(ctx, tx, by, journal.EmailChanged, id, map[string]any{"challenge": c.ID})
	})
}
