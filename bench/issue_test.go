package bench

import (
	"testing"

	"guildhall/sdk/go/ca"
)

// callers is how many clients ask at once; certificates is how many they get in
// one measurement: with fewer, batches and the heap have not settled.
const (
	callers      = 64
	certificates = 2000
)

// BenchmarkIssue is issuance from a CSR over HTTPS with a token: each answer
// means that the certificate and its audit entry are on disk.
func BenchmarkIssue(b *testing.B) {
	onEngines(b, func(b *testing.B, s *server) {
		clients, most := s.clients(b, callers), newCeiling(b)
		_, der := newRequest(b, "shop.example.com", "www.shop.example.com")
		csr := pemOf(der)
		issue := func(worker int) error {
			_, err := clients[worker].Issue(b.Context(), ca.IssueRequest{CSR: csr})
			return err
		}
		parallel(b, callers, 4*callers, issue) // connections and caches
		b.Run("csr", func(b *testing.B) {
			most.compare(b, func() float64 {
				return s.measureAll(b, certificates*b.N, func() { parallel(b, callers, certificates*b.N, issue) })
			})
		})
		b.Run("key-made-here", func(b *testing.B) {
			most.compare(b, func() float64 {
				return s.measureAll(b, certificates*b.N, func() {
					parallel(b, callers, certificates*b.N, func(worker int) error {
						_, err := clients[worker].Issue(b.Context(), ca.IssueRequest{CommonName: "shop.example.com"})
						return err
					})
				})
			})
		})
		b.Run("one-caller", func(b *testing.B) {
			s.measure(b, func() { parallel(b, 1, b.N, issue) })
		})
	})
}
