package certificate_test

import (
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/journal"
)

func TestWarnsOnceForEachTimeBeforeTheEnd(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		const day = 24 * time.Hour
		w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com", Lifetime: 60 * day})
		revoked := w.Issue(t, certificate.IssueRequest{CommonName: "r.example.com", Lifetime: 60 * day})
		_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: revoked.Record.ID, By: catest.Admin})
		must(t, err)
		renewed := w.Issue(t, certificate.IssueRequest{CommonName: "n.example.com", Lifetime: 60 * day})
		_, err = w.Service.Renew(t.Context(), certificate.RenewRequest{ID: renewed.Record.ID, Lifetime: 398 * day, By: catest.Admin})
		must(t, err)
		_, err = w.Enroller.EnrolLocal(t.Context(), "shop", catest.CSR(t, catest.NewKey(t)))
		must(t, err)
		for _, c := range []struct {
			after    time.Duration
			warnings int
		}{{20 * day, 0}, {11 * day, 1}, {day, 1}, {14 * day, 2}, {14*day - time.Hour, 3}} {
			// The last step jumps over the warning at 7 days: only the one at 1
			// day is given.
			w.Clock.Advance(c.after)
			for range 2 {
				must(t, w.Service.Warn(t.Context(), []time.Duration{30 * day, 14 * day, 7 * day, day}))
			}
			got := 0
			for _, action := range w.Actions(t) {
				if action == journal.Expiring {
					got++
				}
			}
			if got != c.warnings {
				t.Errorf("%s later: %d warnings, want %d", c.after, got, c.warnings)
			}
		}
		w.VerifyAudit(t)
	})
}
