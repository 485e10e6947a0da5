package directory

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/id"
	"guildhall/platform/mail"
)

// atOnce is how many people one transaction changes: others write in between.
const atOnce = 25

// apply does the steps, those that take something away first.
func (s *Service) apply(ctx context.Context, settings Settings, steps []step, r *Report) error {
	slices.SortStableFunc(steps, func(a, b step) int { return rank(a) - rank(b) })
	for batch := range slices.Chunk(steps, atOnce) {
		a := applier{Service: s, settings: settings, by: caller(r)}
		for i := range batch {
			if err := a.prepare(ctx, &batch[i]); err != nil {
				return err
			}
		}
		err := s.write(ctx, func(tx *sql.Tx) error {
			a.done = nil
			for _, step := range batch {
				if err := a.one(ctx, tx, step); err != nil {
					return fmt.Errorf("import %s: %w", step.person.Key, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, e := range a.done {
			r.add(e)
		}
	}
	return nil
}

func rank(s step) int {
	if s.What == Disabled {
		return 0
	}
	return 1
}

// applier does the steps of one transaction.
type applier struct {
	*Service
	settings Settings
	by       audit.Caller
	greeted  map[string]greeting
	done     []Entry
}

// greeting is how somebody new gets in.
type greeting struct {
	template, phc string
	must          bool
	// link says that the letter brings one to choose a password.
	link bool
	data map[string]any
}

// prepare makes passwords before the transaction: hashing takes its time.
func (a *applier) prepare(ctx context.Context, st *step) (err error) {
	if st.What != Added {
		return nil
	}
	if a.greeted == nil {
		a.greeted = map[string]greeting{}
	}
	a.greeted[st.person.Key], err = a.greet(ctx, a.settings)
	return err
}

// greet makes what a new account begins with.
func (s *Service) greet(ctx context.Context, settings Settings) (greeting, error) {
	switch {
	case settings.SignIn:
		return greeting{template: letterWelcome, phc: s.o.Hasher.None()}, nil
	case settings.Welcome == WelcomeLink:
		return greeting{template: letterLink, phc: s.o.Hasher.None(), link: true}, nil
	}
	text := generate()
	phc, err := s.o.Hasher.Hash(ctx, text)
	return greeting{template: letterPassword, phc: phc, must: true, data: map[string]any{"Password": text}}, err
}

// The letters' templates.
const (
	letterPassword     = "identity.directory_password"
	letterLink         = "identity.directory_link"
	letterWelcome      = "identity.directory_welcome"
	letterEmailChanged = "identity.email_changed"
)

// generate is a password of 99 bit that is easily read: "k7mqx-2xnpd-...".
func generate() string {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789"
	var b strings.Builder
	for i := range 20 {
		if i > 0 && i%5 == 0 {
			b.WriteByte('-')
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			panic(err) // crypto/rand.Reader never fails
		}
		b.WriteByte(letters[n.Int64()])
	}
	return b.String()
}

// one does one step, unless what it was planned on has changed meanwhile: then the
// next run sees.
func (a *applier) one(ctx context.Context, tx *sql.Tx, st step) error {
	now, err := a.o.Store.ImportedIn(ctx, tx, st.person.Key)
	if err != nil {
		return err
	}
	if (now == nil) != (st.known == nil) || now != nil && *now != *st.known {
		return nil
	}
	switch st.What {
	case Added:
		return a.add(ctx, tx, st)
	case Disabled:
		return a.disable(ctx, tx, st)
	case Enabled:
		if err := a.enable(ctx, tx, st); err != nil {
			return err
		}
		return a.update(ctx, tx, st)
	case Changed:
		return a.update(ctx, tx, st)
	case forgotten:
		return a.o.Store.ForgetImported(ctx, tx, st.person.Key)
	}
	a.done = append(a.done, st.Entry)
	return nil
}

func (a *applier) add(ctx context.Context, tx *sql.Tx, st step) error {
	x, g := st.person, a.greeted[st.person.Key]
	now := a.now()
	email, err := mail.ParseAddress(x.Email)
	if err != nil {
		return err // the plan has seen to it
	}
	made := &store.Account{ID: id.New("usr"), Email: email, EmailKey: account.EmailKey(email), Name: x.Name,
		Language: language(x.Language, a.settings.Language), Theme: account.Themes()[0], Password: g.phc, PasswordSetAt: now,
		MustChange: g.must, EmailProved: true, State: store.Active, CreatedAt: now}
	inserted, err := a.o.Store.InsertAccount(ctx, tx, made)
	if err != nil {
		return err
	}
	if !inserted { // somebody registered it just now
		st.What, st.Why = Skipped, []string{WhyTaken}
		a.done = append(a.done, st.Entry)
		return nil
	}
	row := &store.Imported{Key: x.Key, Account: made.ID, DN: x.DN, Email: x.Email, Name: x.Name}
	if err := a.o.Store.InsertImported(ctx, tx, row); err != nil {
		return err
	}
	letter := mail.Message{To: made.Email, Name: made.Name, Language: made.Language, Template: g.template, Data: g.data}
	if g.link {
		if letter.Data, letter.Until, err = a.o.Accounts.Link(ctx, tx, made); err != nil {
			return err
		}
	}
	if err := a.o.Mail(ctx, tx, letter); err != nil {
		return err
	}
	st.Account = made.ID
	a.done = append(a.done, st.Entry)
	return a.o.Journal.Append(ctx, tx, a.by, journal.AccountCreated, made.ID, map[string]any{"directory": x.Key})
}

func (a *applier) disable(ctx context.Context, tx *sql.Tx, st step) error {
	err := a.o.Store.KeepAdmin(ctx, tx, func() error {
		_, err := a.o.Store.SetState(ctx, tx, st.Account, store.Active, store.Disabled, a.now())
		return err
	})
	if errors.Is(err, store.ErrLastAdmin) {
		st.What, st.Why = Skipped, []string{WhyLastAdmin}
		a.done = append(a.done, st.Entry)
		_, err := a.o.Store.SetState(ctx, tx, st.Account, store.Disabled, store.Active, a.now())
		return err
	}
	if err != nil {
		return err
	}
	if err := a.o.EndSessions(ctx, tx, st.Account, ""); err != nil {
		return err
	}
	row := *st.known
	row.Off = true
	if err := a.o.Store.UpdateImported(ctx, tx, &row); err != nil {
		return err
	}
	a.done = append(a.done, st.Entry)
	return a.o.Journal.Append(ctx, tx, a.by, journal.AccountDisabled, st.Account, map[string]any{"directory": st.Why[0]})
}

// enable undoes what a run has done; update follows.
func (a *applier) enable(ctx context.Context, tx *sql.Tx, st step) error {
	if _, err := a.o.Store.SetState(ctx, tx, st.Account, store.Disabled, store.Active, a.now()); err != nil {
		return err
	}
	return a.o.Journal.Append(ctx, tx, a.by, journal.AccountEnabled, st.Account, map[string]any{"directory": "enabled"})
}

// update takes over what the directory says of somebody.
func (a *applier) update(ctx context.Context, tx *sql.Tx, st step) error {
	row, err := a.o.Store.AccountIn(ctx, tx, st.Account)
	if err != nil {
		return err
	}
	x := st.person
	if slices.Contains(st.Why, WhyEmail) {
		changed, err := a.changeEmail(ctx, tx, row, x.Email)
		if err != nil {
			return err
		}
		if !changed {
			x.Email = st.known.Email
			a.done = append(a.done, Entry{What: Skipped, Why: []string{WhyTaken}, Name: st.Name, Email: st.Email, DN: st.DN, Account: st.Account})
			st.Why = slices.DeleteFunc(slices.Clone(st.Why), func(w string) bool { return w == WhyEmail })
		}
	}
	if slices.Contains(st.Why, WhyName) {
		if err := a.o.Store.SetProfile(ctx, tx, row.ID, x.Name, row.Language, row.Theme); err != nil {
			return err
		}
		if err := a.o.Journal.Append(ctx, tx, a.by, journal.ProfileChanged, row.ID, map[string]any{"directory": "name"}); err != nil {
			return err
		}
	}
	if st.What == Enabled || len(st.Why) > 0 {
		a.done = append(a.done, st.Entry)
	}
	known := &store.Imported{Key: x.Key, Account: row.ID, DN: x.DN, Email: x.Email, Name: x.Name}
	return a.o.Store.UpdateImported(ctx, tx, known)
}

// changeEmail moves an account to another address and tells the old one. False
// means that another account has it.
func (a *applier) changeEmail(ctx context.Context, tx *sql.Tx, row *store.Account, text string) (bool, error) {
	email, err := mail.ParseAddress(text)
	if err != nil {
		return false, err
	}
	changed, err := a.o.Store.SetEmail(ctx, tx, row.ID, email, account.EmailKey(email))
	if err != nil || !changed {
		return false, err
	}
	err = a.o.Mail(ctx, tx, mail.Message{To: row.Email, Name: row.Name, Language: row.Language, Template: letterEmailChanged,
		Data: map[string]any{"At": a.now(), "From": "", "Email": account.HideEmail(email)}})
	if err != nil {
		return false, err
	}
	return true, a.o.Journal.Append(ctx, tx, a.by, journal.EmailChanged, row.ID, map[string]any{"directory": "email"})
}
