package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"guildhall/identity/internal/code"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/mail"
)

// The letters' templates.
const (
	letterRegister        = "identity.register"
	letterExists          = "identity.exists"
	letterReset           = "identity.reset"
	letterPasswordChanged = "identity.password_changed"
	letterEmail           = "identity.email"
	letterEmailChanged    = "identity.email_changed"
	letterDeleted         = "identity.deleted"
	letterElsewhere       = "identity.elsewhere"
	letterInvited         = "identity.invited"
	letterChoose          = "identity.choose_password"
	letterSecondRemoved   = "identity.second_removed"
)

// letter is the letter of a challenge, written by its job: here, and not in the
// answer to who asked, known addresses part from unknown ones.
func (s *Service) letter(ctx context.Context, tx *sql.Tx, c code.Code, text string) (good bool, why string, err error) {
	owner, err := s.o.Store.AccountOfIn(ctx, tx, c.EmailKey)
	if err != nil {
		return false, "", err
	}
	data := map[string]any{"Code": text, "Minutes": int(code.Lifetime.Minutes())}
	until := s.o.Now().Add(code.Lifetime)
	switch c.Purpose {
	case code.Register:
		if owner != nil {
			return false, "taken", s.tell(ctx, tx, owner, letterExists, nil)
		}
		// No name: nobody has shown that it is the reader's.
		return true, "", s.o.Mail(ctx, tx, mail.Message{To: c.Email, Language: c.Language, Template: letterRegister, Data: data, Until: until})
	case code.Reset:
		// To the address of the account and not to the one typed: what is one
		// address to us may be two to a mail server.
		switch {
		case owner == nil || owner.ID != c.Account:
			return false, "no_account", nil
		case owner.State != store.Active:
			return false, "disabled", nil
		}
		if kept, err := s.kept(ctx, owner); kept || err != nil {
			return false, "elsewhere", errors.Join(err, s.tell(ctx, tx, owner, letterElsewhere, nil))
		}
		return true, "", s.o.Mail(ctx, tx, mail.Message{To: owner.Email, Name: owner.Name, Language: owner.Language, Template: letterReset, Data: data, Until: until})
	case code.Email:
		if owner != nil && owner.ID != c.Account {
			return false, "taken", s.tell(ctx, tx, owner, letterExists, nil)
		}
		return true, "", s.o.Mail(ctx, tx, mail.Message{To: c.Email, Language: c.Language, Template: letterEmail, Data: data, Until: until})
	}
	return false, "", fmt.Errorf("a code for %q has no letter", c.Purpose)
}

// tell writes to an account's owner.
func (s *Service) tell(ctx context.Context, tx *sql.Tx, a *store.Account, template string, data map[string]any) error {
	return s.o.Mail(ctx, tx, mail.Message{To: a.Email, Name: a.Name, Language: a.Language, Template: template, Data: data})
}

// event is what a letter about something that was done tells of it.
func (s *Service) event(by audit.Caller) map[string]any {
	return map[string]any{"At": s.o.Now(), "From": by.From}
}
