package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/role"
	"guildhall/platform/app"
	"guildhall/platform/audit"
)

// errNotFirst says that there is an account already.
var errNotFirst = errors.New("there is an account already")

// first makes the first administrator where there is no account yet, and says how
// to sign in. The password is good for one sign-in and is told only here.
func (s *service) first(ctx context.Context, env app.Env) (note string, err error) {
	if begun, err := s.begun(ctx); err != nil || begun {
		return "", err
	}
	email := s.config.FirstAdmin
	if email == "" {
		email = "admin@" + env.Domain
	}
	by := audit.Caller{Actor: audit.System}
	a, password, err := s.accounts.Create(ctx, account.CreateRequest{Email: email, Name: "Administrator", By: by,
		Then: func(ctx context.Context, tx *sql.Tx, id string) error { return s.firstRoles(ctx, tx, id, by) }})
	if err != nil {
		if begun, trouble := s.begun(ctx); trouble == nil && begun { // another node was quicker
			return "", nil
		}
		return "", fmt.Errorf("make the first administrator %s: %w", email, err)
	}
	return fmt.Sprintf("The first administrator signs in at %s\n  address   %s\n  password  %s\nThe password is shown only now and has to be changed at the first sign-in.\n",
		env.PublicURL(Name), a.Email, password), nil
}

// begun says whether there is an account.
func (s *service) begun(ctx context.Context) (bool, error) {
	_, total, err := s.accounts.List(ctx, account.Query{Limit: 1})
	return total > 0, err
}

// firstRoles gives the account the highest role of every service, if it is alone.
func (s *service) firstRoles(ctx context.Context, tx *sql.Tx, id string, by audit.Caller) error {
	alone, err := s.store.Alone(ctx, tx)
	if err != nil {
		return err
	}
	if !alone {
		return errNotFirst
	}
	for _, name := range s.roles.Known() {
		if !strings.HasSuffix(name, ".admin") {
			continue
		}
		if err := s.roles.GiveIn(ctx, tx, name, role.Holder{Account: id}, by); err != nil {
			return err
		}
	}
	return nil
}
