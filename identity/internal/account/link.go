package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/mail"
)

// LinkLife is how long a link to choose a first password is good.
const LinkLife = 7 * 24 * time.Hour

// ErrLink says that a link is good for nothing.
var ErrLink = fault.New(fault.Gone, "link_over", "This link was used already, or is over. Sign in, or choose \"Forgot your password?\" on the sign-in page.")

// Link makes a link by which the owner of an account chooses the first password, once;
// it takes the place of the one before. The data are those of its letter, which is
// worth nothing after until.
func (s *Service) Link(ctx context.Context, tx *sql.Tx, row *store.Account) (data map[string]any, until time.Time, err error) {
	token, until := rand.Text(), s.o.Now().Add(LinkLife)
	data = map[string]any{"Link": s.o.URL + "/welcome?link=" + token, "Days": int(LinkLife.Hours() / 24)}
	return data, until, s.o.Store.PutLink(ctx, tx, row.ID, row.EmailKey, hash(token), until)
}

func hash(link string) []byte {
	sum := sha256.Sum256([]byte(link))
	return sum[:]
}

// invite sends who has no password yet a link to choose one.
func (s *Service) invite(ctx context.Context, tx *sql.Tx, row *store.Account) error {
	data, until, err := s.Link(ctx, tx, row)
	if err != nil {
		return err
	}
	return s.o.Mail(ctx, tx, mail.Message{To: row.Email, Name: row.Name, Language: row.Language, Template: letterInvited, Data: data, Until: until})
}

// Invited is the account that a link sets the first password of, or ErrLink.
func (s *Service) Invited(ctx context.Context, link string) (*Account, error) {
	id, err := s.o.Store.Linked(ctx, hash(link), s.o.Now())
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, ErrLink
	}
	return s.Get(ctx, id)
}

// Welcome sets the first password by a link, which is used up then and has shown whose
// the address is. A wrong field is called "password".
func (s *Service) Welcome(ctx context.Context, link, password string, by audit.Caller) (*Account, error) {
	invited, err := s.Invited(ctx, link)
	if err != nil {
		return nil, err
	}
	if err := s.o.Hasher.Check("password", password, invited.Email, invited.Name); err != nil {
		return nil, err
	}
	phc, err := s.o.Hasher.Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	var row *store.Account
	err = s.administer(ctx, invited.ID, func(tx *sql.Tx, now *store.Account) error {
		row = now
		if row.State != store.Active {
			return ErrDisabled
		}
		spent, err := s.o.Store.SpendLink(ctx, tx, hash(link), s.o.Now())
		if err != nil {
			return err
		}
		if !spent {
			return ErrLink
		}
		if err := s.o.Store.ProveEmail(ctx, tx, row.ID); err != nil {
			return err
		}
		row.EmailProved = true
		return s.setPassword(ctx, tx, row, newSecret{phc: phc}, journal.PasswordReset, by.As(row.ID))
	})
	if err != nil {
		return nil, err
	}
	return public(row), nil
}
