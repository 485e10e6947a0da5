package certificate

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
)

// maxWarnings bounds the warnings of one look at one moment, so that an
// authority that was away for long does not flood its log. The next look goes
// on.
const maxWarnings = 200

// Warn warns of certificates that end soon and that nobody has renewed or
// revoked: once for each of the given times before the end, in the log and as
// an event of the audit log. A time that passed while nobody looked is made up
// for; of several only the last.
func (s *Service) Warn(ctx context.Context, times []time.Duration) error {
	now := s.Guard.Time()
	for _, before := range slices.Sorted(slices.Values(times)) {
		ending, err := s.Store.Unwarned(ctx, now, before, maxWarnings)
		if err != nil {
			return fmt.Errorf("look for certificates that end soon: %w", err)
		}
		for _, r := range ending {
			if err := s.warn(ctx, r, before); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) warn(ctx context.Context, r *store.Record, before time.Duration) error {
	end := r.NotAfter.UTC().Format(time.RFC3339)
	err := s.DB.Group(ctx, func(tx *sql.Tx) error {
		detail := map[string]any{"serial": r.Serial, "common_name": r.CommonName, "not_after": end}
		if err := s.Journal.Append(ctx, tx, audit.Caller{Actor: audit.System}, journal.Expiring, r.ID, detail); err != nil {
			return err
		}
		return s.Store.Warned(ctx, tx, r.ID, before)
	})
	if err != nil {
		return fmt.Errorf("warn of a certificate that ends soon: %w", err)
	}
	s.Log.WarnContext(ctx, "a certificate ends soon and nobody has renewed it: renew it, or revoke it if it is no longer used",
		"certificate", r.ID, "serial", r.Serial, "common_name", r.CommonName, "profile", r.Profile, "not_after", end)
	return nil
}
