package directory

import (
	"context"
	"database/sql"

	"guildhall/identity/internal/account"
	"guildhall/platform/audit"
)

// Invited is the account that a link sets the first password of, or ErrLink.
func (s *Service) Invited(ctx context.Context, link string) (*account.Account, error) {
	id, err := s.o.Store.ImportedBy(ctx, hash(link), s.now())
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, ErrLink
	}
	return s.o.Accounts.Get(ctx, id)
}

// Welcome sets the first password by a link, which is used up then. A wrong field is
// called "password".
func (s *Service) Welcome(ctx context.Context, link, password string, by audit.Caller) (*account.Account, error) {
	a, err := s.Invited(ctx, link)
	if err != nil {
		return nil, err
	}
	return a, s.o.Accounts.SetFirst(ctx, a.ID, password, by, func(tx *sql.Tx) error {
		spent, err := s.o.Store.SpendLink(ctx, tx, hash(link), s.now())
		if err == nil && !spent {
			err = ErrLink
		}
		return err
	})
}
