package bench

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"guildhall/platform/db"
	"guildhall/sdk/go/ca"
)

// subscribers is how many processes follow the revocations, and revocations how
// many there are for a quantile.
const (
	subscribers = 6
	revocations = 300
)

// BenchmarkRevoke is the time from the request to revoke until every subscriber,
// each a process of its own, has acknowledged that it knows and has cut what was
// connected; against the number of certificates that are revoked already. The
// time of the issuance before it is what a busy machine makes of one durable
// request that tells nobody.
func BenchmarkRevoke(b *testing.B) {
	for _, listed := range []int{0, 10_000, 100_000} {
		b.Run(fmt.Sprintf("listed=%d", listed), func(b *testing.B) {
			s := withRevoked(b, listed)
			for i := range subscribers {
				s.subscriber(b, fmt.Sprintf("bench%d", i))
			}
			client := s.clients(b, 1)[0]
			_, der := newRequest(b, "shop.example.com")
			csr := pemOf(der)
			b.Run("all-peers", func(b *testing.B) {
				var alone, all []time.Duration
				s.measureAll(b, revocations*b.N, func() {
					for range revocations * b.N {
						began := time.Now()
						issued, err := client.Issue(b.Context(), ca.IssueRequest{CSR: csr})
						if err != nil {
							b.Fatal(err)
						}
						alone = append(alone, time.Since(began))
						began = time.Now()
						done, err := client.Revoke(b.Context(), issued.Certificate.ID, ca.RevokeRequest{Reason: "keyCompromise"})
						all = append(all, time.Since(began))
						if err != nil || done.Acknowledged != subscribers+1 || !done.Announced {
							b.Fatalf("revoke: %+v %v", done, err) // + 1: the server's own process
						}
					}
				})
				b.ReportMetric(quantile(all, 0.50), "p50-ms")
				b.ReportMetric(quantile(all, 0.99), "p99-ms")
				b.ReportMetric(quantile(alone, 0.50), "issue-p50-ms")
				b.ReportMetric(quantile(alone, 0.99), "issue-p99-ms")
			})
		})
	}
}

// quantile is in milliseconds.
func quantile(took []time.Duration, q float64) float64 {
	slices.Sort(took)
	return float64(took[min(int(q*float64(len(took))), len(took)-1)].Microseconds()) / 1000
}

// withRevoked is a server that knows of n revoked certificates which have not
// expired. They are written into its database while it does not run: issuing and
// revoking a hundred thousand takes minutes.
func withRevoked(b *testing.B, n int) *server {
	b.Helper()
	s := serve(b, b.TempDir(), "")
	if n == 0 {
		return s
	}
	s.stop(b)
	d, err := db.Open(b.Context(), "sqlite:"+filepath.Join(s.data, "ca", "ca.db"), db.Options{Name: "ca"})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	err = d.WithTx(b.Context(), func(tx *sql.Tx) error {
		for i := range n {
			if _, err := tx.ExecContext(b.Context(), `INSERT INTO revocations (seq, serial, issuer, profile, reason, revoked_at, not_after)
				VALUES ($1, $2, 'issuing', 'server', 1, $3, $4)`, i+1, fmt.Sprintf("4%031x", i), db.Micros(now), db.Micros(now.Add(90*24*time.Hour))); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = d.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	s.start(b)
	return s
}
