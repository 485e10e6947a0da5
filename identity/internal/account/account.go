// Package account is who people are: they register, prove their e-mail address,
// sign in with a password, change what is theirs, and leave.
//
// Nobody learns from it whether an address has an account: every answer to
// somebody who is not signed in is the same for both, and so is the work behind
// it; the difference is in the letters alone.
//
// # Letters
//
// The templates and what they are given (Data), besides what every letter has:
//
//	identity.register          Code, Minutes            a new account's code
//	identity.exists            -                        somebody registers an address that has an account
//	identity.reset             Code, Minutes            a new password's code
//	identity.password_changed  At (time.Time), From     the password was changed or reset
//	identity.email             Code, Minutes            a new address's code, to the new address
//	identity.email_changed     Email, At, From          to the old address; Email is the new one, partly hidden
//	identity.deleted           At, From                 the account is gone
//	identity.elsewhere         -                        somebody asks to reset a password that the directory keeps
//	identity.invited           Link, Days               an administrator made an account; the link chooses its password
//	identity.choose_password   -                        an administrator asks for a new password; how to choose it
//	identity.second_removed    At (time.Time)           an administrator removed the second factors
package account

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"guildhall/identity/internal/code"
	"guildhall/identity/internal/password"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/jobs"
	"guildhall/platform/limit"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// How many registrations and resets an address can ask for: an office at once,
// and a few in the long run.
const (
	asksAtOnce    = 30
	asksPerMinute = 3
)

// What can be wrong. Wrong fields are the fault invalid_fields instead.
var (
	// ErrSignIn is the one answer to an unknown address, a wrong password and a
	// disabled account.
	ErrSignIn = fault.New(fault.Unauthenticated, "sign_in_failed", "The e-mail address and the password do not fit together. Check both, or reset the password.")
	// ErrNotFound says that there is no such account.
	ErrNotFound = fault.New(fault.NotFound, "account_not_found", "There is no such account. It may have been deleted.")
	// ErrDisabled says that an administrator has disabled the account.
	ErrDisabled = fault.New(fault.Forbidden, "account_disabled", "This account is disabled. Ask an administrator.")
	// errEnable is ErrDisabled for an administrator.
	errEnable = fault.New(ErrDisabled.Kind, ErrDisabled.Code, "This account is disabled. Enable it first, on its page or by \"guildhall identity user enable\".")
	// ErrTaken is returned to whoever has proved that the address is his, when an
	// account has it by then.
	ErrTaken = fault.New(fault.Conflict, "email_taken", "There is an account with this e-mail address by now. Sign in to it, or reset its password.")
	// ErrClosed says that people cannot register themselves here.
	ErrClosed = fault.New(fault.Forbidden, "registration_closed", "Registration is closed here. Ask an administrator for an account.")
)

// Account is a person's account, without its secrets.
type Account struct {
	ID string
	// Email is the address as its owner typed it.
	Email, Name string
	// Language is "en", "zh-CN" or "pl"; Theme "auto", "light" or "dark".
	Language, Theme string
	// Picture is the name of its picture; empty: it has none.
	Picture string
	// MustChange says that the password must be changed before anything else.
	MustChange bool
	Disabled   bool
	// Invited says that its owner was invited and has not come yet: there is no
	// password before.
	Invited bool
	// EmailProved says that a code came back from the address.
	EmailProved bool
	// SecondRequired says that nothing opens before there is a second factor.
	SecondRequired bool

	CreatedAt, PasswordSetAt time.Time
}

// RegisterRequest is what a new account is made of.
type RegisterRequest struct {
	Email, Name, Password, Language string
	By                              audit.Caller
}

// SignInRequest is an attempt to sign in.
type SignInRequest struct {
	Email, Password string
	By              audit.Caller
}

// Profile is what people change about themselves.
type Profile struct {
	Name, Language, Theme string
}

// Options is what a Service needs; all but Elsewhere, Closed and Limiter.
type Options struct {
	DB      *db.DB
	Store   *store.Store
	Journal *audit.Journal
	Gate    *throttle.Gate
	Hasher  *password.Hasher
	Jobs    *jobs.Queue
	Key     seal.Key
	// Mail sends a letter when tx is committed: mail.Outbox's Send.
	Mail func(ctx context.Context, tx *sql.Tx, m mail.Message) error
	// EndSessions ends the sessions of an account but for one ("": all):
	// session.Desk's EndAll.
	EndSessions func(ctx context.Context, tx *sql.Tx, account, except string) error
	// Elsewhere has passwords that are not kept here; zero: there are none.
	Elsewhere Elsewhere
	// URL is identity's public address, without final slash.
	URL string
	// Closed refuses registrations.
	Closed bool
	// Limiter makes what bounds outsiders; nil: of this process alone.
	Limiter limit.Maker
	Now     func() time.Time
	Log     *slog.Logger
}

// Service keeps the accounts. It is safe for concurrent use.
type Service struct {
	o     Options
	codes *code.Desk
	// asks bounds what outsiders can ask for from one address: each costs a hash,
	// rows and a letter.
	asks limit.Limiter
}

// New makes a service and registers the job that writes its letters, so call it
// before the queue runs.
func New(o Options) *Service {
	s := &Service{o: o, asks: o.Limiter.New("identity.asks", limit.Options{Rate: asksPerMinute / 60., Burst: asksAtOnce, Now: o.Now})}
	s.codes = code.New(code.Options{DB: o.DB, Store: o.Store, Journal: o.Journal, Jobs: o.Jobs, Key: o.Key, Now: o.Now, Log: o.Log, Letter: s.letter})
	return s
}

// Get is the account with the id, or ErrNotFound.
func (s *Service) Get(ctx context.Context, id string) (*Account, error) {
	row, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	return public(row), nil
}

// Deliver writes the letter that a challenge waits for, if it does, as its job
// does soon after every request.
func (s *Service) Deliver(ctx context.Context, challenge string) error {
	return s.codes.Deliver(ctx, challenge)
}

// Clean deletes old challenges and links; a periodic job calls it.
func (s *Service) Clean(ctx context.Context) error {
	if err := s.codes.Clean(ctx); err != nil {
		return err
	}
	return s.o.Journal.Write(ctx, func(tx *sql.Tx) error { return s.o.Store.PurgeLinks(ctx, tx, s.o.Now()) })
}

// ask refuses an outsider who asks for too much.
func (s *Service) ask(ctx context.Context, by audit.Caller) error {
	return limit.Check(ctx, s.asks, limit.AddrKey(by.From))
}

func (s *Service) find(ctx context.Context, id string) (*store.Account, error) {
	row, err := s.o.Store.Account(ctx, id)
	if err == nil && row == nil {
		err = ErrNotFound
	}
	return row, err
}

// write runs fn in a transaction in which fn may append to the journal at any
// place.
func public(row *store.Account) *Account {
	a := &Account{ID: row.ID, Email: row.Email, Name: row.Name, Language: row.Language, Theme: row.Theme, Picture: row.Picture,
		MustChange: row.MustChange, Disabled: row.State != store.Active,
		EmailProved: row.EmailProved, SecondRequired: row.SecondRequired, CreatedAt: row.CreatedAt, Invited: invited(row)}
	if !a.Invited { // who is invited has one that nobody knows
		a.PasswordSetAt = row.PasswordSetAt
	}
	return a
}
