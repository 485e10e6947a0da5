package account

import (
	"context"
	"database/sql"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// ErrOfDirectory refuses to remove somebody whom the directory has.
var ErrOfDirectory = fault.New(fault.Conflict, "account_of_directory",
	"This account comes from the company's directory. Take the person out of the group there, or disable the account here; then it can be removed.")

// Delete removes an account with all that belongs to it; the audit log keeps its
// id alone. The wrong field is called "password".
func (s *Service) Delete(ctx context.Context, id, password string, by audit.Caller) error {
	row, err := s.verify(ctx, id, "password", password, by)
	if err != nil {
		return err
	}
	return s.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		if err := s.unchanged(ctx, tx, row); err != nil {
			return err
		}
		return s.remove(ctx, tx, row, s.event(by), by)
	})
}

// Remove is Delete by an administrator. An active account that comes from the
// directory stays, as the directory wants it to be here.
func (s *Service) Remove(ctx context.Context, id string, by audit.Caller) error {
	if by.Actor == id {
		return ErrSelf
	}
	return s.administer(ctx, id, func(tx *sql.Tx, row *store.Account) error {
		if row.State == store.Active && s.o.Elsewhere.Has != nil {
			if has, err := s.o.Elsewhere.Has(ctx, id); err != nil {
				return err
			} else if has {
				return ErrOfDirectory
			}
		}
		// Where an administrator sits is not the owner's business.
		return s.remove(ctx, tx, row, s.event(audit.Caller{}), by)
	})
}

// remove ends what the account has begun, takes it away and tells its owner.
func (s *Service) remove(ctx context.Context, tx *sql.Tx, row *store.Account, event map[string]any, by audit.Caller) error {
	if err := s.o.EndSessions(ctx, tx, row.ID, ""); err != nil {
		return err
	}
	if err := s.o.Store.ForgetCodes(ctx, tx, row.ID); err != nil {
		return err
	}
	if err := s.o.Store.KeepAdmin(ctx, tx, func() error { return s.o.Store.DeleteAccount(ctx, tx, row.ID) }); err != nil {
		return err
	}
	if err := s.tell(ctx, tx, row, letterDeleted, event); err != nil {
		return err
	}
	return s.o.Journal.Append(ctx, tx, by, journal.AccountDeleted, row.ID, nil)
}
