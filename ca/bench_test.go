package ca

import (
	"testing"

	"guildhall/ca/internal/catest"
	wire "guildhall/sdk/go/ca"
)

// BenchmarkAPIIssue is durable issuance from a CSR through the REST API, over
// loopback, by many callers at once; client and server share the processors.
func BenchmarkAPIIssue(b *testing.B) {
	a := onSQLite(b, DefaultConfig())
	csr := string(catest.CSR(b, catest.NewKey(b), "shop.example.com", "www.shop.example.com"))
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := a.client.Issue(b.Context(), wire.IssueRequest{CSR: csr}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
