package account

import (
	"context"
	"database/sql"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
)

// RequireSecond says whether the account opens nothing before it has a second
// factor.
func (s *Service) RequireSecond(ctx context.Context, id string, required bool, by audit.Caller) error {
	return s.administer(ctx, id, func(tx *sql.Tx, _ *store.Account) error {
		changed, err := s.o.Store.SetSecondRequired(ctx, tx, id, required)
		if err != nil || !changed {
			return err
		}
		return s.o.Journal.Append(ctx, tx, by, journal.SecondRequired, id, map[string]any{"old": !required, "new": required})
	})
}

// RemoveSecond removes the account's authenticator, passkeys and recovery codes, for
// somebody who has lost them. Its sessions end, its owner is told, and where a second
// factor is required the next sign-in begins with setting one up. An account without
// any is left alone.
func (s *Service) RemoveSecond(ctx context.Context, id string, by audit.Caller) error {
	return s.administer(ctx, id, func(tx *sql.Tx, row *store.Account) error {
		had, err := s.o.Store.DeleteFactors(ctx, tx, id)
		if err != nil || had == (store.Factors{}) {
			return err
		}
		if err := s.o.EndSessions(ctx, tx, id, ""); err != nil {
			return err
		}
		if err := s.o.Gate.ClearIn(ctx, tx, by, throttle.Account("factor:"+id)); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, row, letterSecondRemoved, map[string]any{"At": s.o.Now()}); err != nil {
			return err
		}
		detail := map[string]any{"authenticator": !had.TOTPSince.IsZero(), "passkeys": had.Passkeys, "recovery_codes": had.Recovery}
		return s.o.Journal.Append(ctx, tx, by, journal.SecondRemoved, id, detail)
	})
}
