package certificate_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/platform/guildtest"
)

// BenchmarkIssue is durable issuance from a CSR by many callers at once.
func BenchmarkIssue(b *testing.B) {
	for engine, url := range map[string]func(testing.TB) string{"sqlite": guildtest.SQLite, "postgres": guildtest.Postgres} {
		b.Run(engine, func(b *testing.B) {
			w := catest.New(b, guildtest.Open(b, url(b), migrations), catest.Options{})
			csr := catest.CSR(b, catest.NewKey(b), "shop.example.com", "www.shop.example.com")
			b.SetParallelism(64)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := w.Service.Issue(b.Context(), certificate.IssueRequest{CSR: csr, By: catest.Admin}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkCeiling is what the standard library alone takes for the same: parse
// and check the request, sign the certificate.
func BenchmarkCeiling(b *testing.B) {
	w := catest.New(b, guildtest.Open(b, guildtest.SQLite(b), migrations), catest.Options{})
	pair := w.Keys.Issuing()
	csr := catest.CSR(b, catest.NewKey(b), "shop.example.com", "www.shop.example.com")
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			block, _ := pem.Decode(csr)
			r, err := x509.ParseCertificateRequest(block.Bytes)
			if err == nil {
				err = r.CheckSignature()
			}
			if err != nil {
				b.Error(err)
				return
			}
			serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
			t := &x509.Certificate{SerialNumber: serial, Subject: r.Subject, DNSNames: r.DNSNames, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
				KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
			if _, err := x509.CreateCertificate(rand.Reader, t, pair.Certificate, r.PublicKey.(*ecdsa.PublicKey), pair.Key); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
