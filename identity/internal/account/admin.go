package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// maxReason is the most characters of why an account is disabled.
const maxReason = 200

// ErrSelf says that somebody would lock himself out.
var ErrSelf = fault.New(fault.Conflict, "own_account", "This is the account that you are signed in with. Ask another administrator to do this.")

// CreateRequest is an account that an administrator makes.
type CreateRequest struct {
	Email, Name, Language string
	// Invite sends a letter with a link to choose a password. Without it the
	// account gets a one-time password that must be changed at the first sign-in.
	Invite bool
	// SecondRequired lets nothing open before there is a second factor.
	SecondRequired bool
	By             audit.Caller
	// Then, unless nil, is called in the transaction that makes the account; its
	// error makes none.
	Then func(ctx context.Context, tx *sql.Tx, id string) error
}

// Create makes an account. The one-time password is told only now; it is empty
// for somebody who is invited. Wrong fields are called "email", "name" and
// "language".
func (s *Service) Create(ctx context.Context, r CreateRequest) (_ *Account, password string, err error) {
	var wrong fields
	email, key := wrong.email(r.Email)
	made := &store.Account{ID: id.New(prefix), Email: email, EmailKey: key, Name: wrong.name(r.Name), Language: wrong.language(r.Language),
		Theme: Themes()[0], MustChange: !r.Invite, SecondRequired: r.SecondRequired, State: store.Active}
	if err := wrong.err(); err != nil {
		return nil, "", err
	}
	password = newPassword() // for who is invited one that nobody knows
	if made.Password, err = s.o.Hasher.Hash(ctx, password); err != nil {
		return nil, "", err
	}
	made.CreatedAt = s.o.Now()
	made.PasswordSetAt = made.CreatedAt
	err = s.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		inserted, err := s.o.Store.InsertAccount(ctx, tx, made)
		if err != nil {
			return err
		}
		if !inserted {
			return fault.Fields(fault.Field{Name: "email", Code: "email_in_use", Detail: "There is an account with this e-mail address already."})
		}
		detail := map[string]any{"invited": r.Invite, "second_factor_required": r.SecondRequired}
		if err := s.o.Journal.Append(ctx, tx, r.By, journal.AccountCreated, made.ID, detail); err != nil {
			return err
		}
		if r.Invite {
			if err := s.invite(ctx, tx, made); err != nil {
				return err
			}
		}
		if r.Then == nil {
			return nil
		}
		return r.Then(ctx, tx, made.ID)
	})
	if err != nil {
		return nil, "", err
	}
	if r.Invite {
		password = ""
	}
	return public(made), password, nil
}

// newPassword is one of 100 bit that a person can type.
func newPassword() string {
	text := rand.Text()
	return strings.Join([]string{text[:5], text[5:10], text[10:15], text[15:20]}, "-")
}

// Query says which accounts a list has: those whose address or name contains
// Text, or whose id it is; whose address is Email; in State and in Group; empty: any.
type Query struct {
	Text, Email, State, Group string
	// Sort is "created", "name" or "email".
	Sort string
	Desc bool
	// Limit is how many at once, at most 500; 0: 100.
	Limit, Offset int
}

// List is a page of the accounts, and how many there are in all.
func (s *Service) List(ctx context.Context, q Query) ([]*Account, int, error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	rows, total, err := s.o.Store.Accounts(ctx, store.AccountQuery{Text: norm.NFKC.String(q.Text), EmailKey: EmailKey(q.Email), State: q.State, Group: q.Group, Sort: q.Sort, Desc: q.Desc,
		Limit: min(max(q.Limit, 1), 500), Offset: max(q.Offset, 0)})
	if err != nil {
		return nil, 0, err
	}
	all := make([]*Account, len(rows))
	for i, row := range rows {
		all[i] = public(row)
	}
	return all, total, nil
}

// Find is the account with the id or the address, or ErrNotFound.
func (s *Service) Find(ctx context.Context, idOrEmail string) (*Account, error) {
	if !strings.Contains(idOrEmail, "@") {
		return s.Get(ctx, idOrEmail)
	}
	row, err := s.o.Store.AccountOf(ctx, EmailKey(idOrEmail))
	if err == nil && row == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return public(row), nil
}

// administer runs fn in a transaction with the account as it is now, or returns
// ErrNotFound.
func (s *Service) administer(ctx context.Context, id string, fn func(tx *sql.Tx, row *store.Account) error) error {
	return s.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		row, err := s.o.Store.AccountIn(ctx, tx, id)
		if err == nil && row == nil {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return fn(tx, row)
	})
}

// Disable shuts an account at once: its sessions and whatever it has allowed end.
// One that is disabled already stays so. The wrong field is called "reason".
func (s *Service) Disable(ctx context.Context, id, reason string, by audit.Caller) error {
	if reason = strings.TrimSpace(reason); reason == "" {
		return fault.Fields(fault.Field{Name: "reason", Code: "required", Detail: "Say why; it goes into the audit log."})
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return fault.Fields(fault.Field{Name: "reason", Code: "too_long", Args: map[string]any{"Count": maxReason}, Detail: "Use at most 200 characters."})
	}
	if by.Actor == id {
		return ErrSelf
	}
	return s.administer(ctx, id, func(tx *sql.Tx, row *store.Account) error {
		if row.State != store.Active {
			return nil
		}
		err := s.o.Store.KeepAdmin(ctx, tx, func() error {
			_, err := s.o.Store.SetState(ctx, tx, id, store.Active, store.Disabled, s.o.Now())
			return err
		})
		if err != nil {
			return err
		}
		if err := s.o.EndSessions(ctx, tx, id, ""); err != nil {
			return err
		}
		if err := s.void(ctx, tx, id); err != nil {
			return err
		}
		return s.o.Journal.Append(ctx, tx, by, journal.AccountDisabled, id, map[string]any{"reason": reason})
	})
}

// Enable opens a disabled account again.
func (s *Service) Enable(ctx context.Context, id string, by audit.Caller) error {
	return s.administer(ctx, id, func(tx *sql.Tx, _ *store.Account) error {
		enabled, err := s.o.Store.SetState(ctx, tx, id, store.Disabled, store.Active, s.o.Now())
		if err != nil || !enabled {
			return err
		}
		return s.o.Journal.Append(ctx, tx, by, journal.AccountEnabled, id, nil)
	})
}

// attempts are the keys by which tries at an account's secrets are counted.
func attempts(id, emailKey string) []throttle.Key {
	return []throttle.Key{throttle.Account("password:" + emailKey), throttle.Account("factor:" + id), throttle.Account("device:" + id)}
}

// LockedUntil is when the next try at one of the account's secrets is looked at;
// zero: at once.
func (s *Service) LockedUntil(ctx context.Context, id string) (time.Time, error) {
	row, err := s.find(ctx, id)
	if err != nil {
		return time.Time{}, err
	}
	return s.o.Gate.Until(ctx, attempts(row.ID, row.EmailKey)...)
}

// Unlock forgets the wrong tries at the account's secrets.
func (s *Service) Unlock(ctx context.Context, id string, by audit.Caller) error {
	return s.administer(ctx, id, func(tx *sql.Tx, row *store.Account) error {
		if err := s.o.Gate.ClearIn(ctx, tx, by, attempts(row.ID, row.EmailKey)...); err != nil {
			return err
		}
		return s.o.Journal.Append(ctx, tx, by, journal.AccountUnlocked, id, nil)
	})
}

// GivePassword replaces the account's password by a one-time password, which is
// told only now and must be changed at the next sign-in. Its sessions end, and it
// is unlocked.
func (s *Service) GivePassword(ctx context.Context, id string, by audit.Caller) (password string, err error) {
	password = newPassword()
	phc, err := s.o.Hasher.Hash(ctx, password)
	if err != nil {
		return "", err
	}
	err = s.administer(ctx, id, func(tx *sql.Tx, row *store.Account) error {
		if row.State != store.Active {
			return errEnable
		}
		if err := s.o.Gate.ClearIn(ctx, tx, by, attempts(row.ID, row.EmailKey)...); err != nil {
			return err
		}
		return s.setPassword(ctx, tx, row, newSecret{phc: phc, mustChange: true}, journal.PasswordGiven, by)
	})
	if err != nil {
		return "", err
	}
	return password, nil
}

// Invite sends who has no password yet another link to choose one, and else a letter
// that says how to choose another; the present one works until then.
func (s *Service) Invite(ctx context.Context, id string, by audit.Caller) error {
	return s.administer(ctx, id, func(tx *sql.Tx, row *store.Account) error {
		if row.State != store.Active {
			return errEnable
		}
		if kept, err := s.kept(ctx, row); err != nil || kept {
			return cmp.Or(err, error(ErrElsewhere))
		}
		letter, action := s.invite, journal.AccountInvited
		if !invited(row) {
			letter, action = s.askToChoose, journal.PasswordAsked
		}
		if err := letter(ctx, tx, row); err != nil {
			return err
		}
		return s.o.Journal.Append(ctx, tx, by, action, id, nil)
	})
}

func (s *Service) askToChoose(ctx context.Context, tx *sql.Tx, row *store.Account) error {
	return s.tell(ctx, tx, row, letterChoose, nil)
}

// invited says whether the owner was invited and has not chosen a password yet.
// The list of accounts asks the same of the database.
func invited(row *store.Account) bool {
	return !row.EmailProved && !row.MustChange && row.PasswordSetAt.Equal(row.CreatedAt)
}
