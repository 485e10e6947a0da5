package account

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"guildhall/identity/internal/code"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// prefix begins the ids of accounts.
const prefix = "usr"

// pending is what a registration keeps until its code comes.
type pending struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	PHC      string `json:"phc"` // of the password
}

// Register begins a registration: a letter with a code goes to the address, or
// one that says that there is an account already. The answer is the same, and
// nothing is an account before Activate.
func (s *Service) Register(ctx context.Context, r RegisterRequest) (challenge string, err error) {
	if s.o.Closed {
		return "", ErrClosed
	}
	var wrong fields
	email, key := wrong.email(r.Email)
	p := pending{Name: wrong.name(r.Name), Language: wrong.language(r.Language)}
	if err := wrong.join(s.o.Hasher.Check("password", r.Password, email, p.Name)); err != nil {
		return "", err
	}
	if err := wrong.err(); err != nil {
		return "", err
	}
	if err := s.ask(ctx, r.By); err != nil {
		return "", err
	}
	if p.PHC, err = s.o.Hasher.Hash(ctx, r.Password); err != nil {
		return "", err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("keep a registration: %w", err)
	}
	return s.codes.Ask(ctx, code.Ask{Purpose: code.Register, Email: email, EmailKey: key, Language: p.Language, Data: data, By: r.By})
}

// ResendCode sends another letter for a challenge of any purpose: at the
// earliest a minute after the last (code.ErrSoon).
func (s *Service) ResendCode(ctx context.Context, challenge string, by audit.Caller) error {
	return s.codes.Again(ctx, challenge, by)
}

// Activate ends a registration: the code makes the account.
func (s *Service) Activate(ctx context.Context, challenge, text string, by audit.Caller) (*Account, error) {
	var made *store.Account
	accountID := id.New(prefix)
	err := s.redeem(ctx, challenge, text, code.Register, by, nil, func(tx *sql.Tx, c code.Code) error {
		var p pending
		if err := json.Unmarshal(c.Data, &p); err != nil {
			return fmt.Errorf("read a registration: %w", err)
		}
		now := s.o.Now()
		made = &store.Account{ID: accountID, Email: c.Email, EmailKey: c.EmailKey, Name: p.Name, Language: p.Language, Theme: Themes()[0],
			Password: p.PHC, PasswordSetAt: now, EmailProved: true, State: store.Active, CreatedAt: now}
		inserted, err := s.o.Store.InsertAccount(ctx, tx, made)
		if err != nil {
			return err
		}
		if !inserted {
			return ErrTaken
		}
		return s.o.Journal.Append(ctx, tx, by.As(accountID), journal.AccountCreated, accountID, map[string]any{"challenge": c.ID})
	})
	if err != nil {
		return nil, err
	}
	return public(made), nil
}

// redeem redeems a code, unless there were too many wrong ones from the address.
// What costs much is done in before, when it is known that there were not; nil:
// nothing.
func (s *Service) redeem(ctx context.Context, challenge, text, purpose string, by audit.Caller, before func() error, within func(tx *sql.Tx, c code.Code) error) error {
	from := throttle.Address(by.From)
	if err := s.o.Gate.Allow(ctx, from); err != nil {
		return err
	}
	if before != nil {
		if err := before(); err != nil {
			return s.release(ctx, err, []throttle.Key{from})
		}
	}
	err := s.codes.Redeem(ctx, challenge, text, purpose, by, within)
	switch fault.As(err).Code {
	case code.ErrWrong.Code, code.ErrOver.Code:
		return first(s.o.Gate.Failed(context.WithoutCancel(ctx), by, from), err)
	default:
		return s.release(ctx, err, []throttle.Key{from})
	}
}

// first is the refusal, unless our own trouble is worse.
func first(trouble, refusal error) error {
	if trouble != nil {
		return trouble
	}
	return refusal
}
