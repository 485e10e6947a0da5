package bench

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"guildhall/sdk/go/ca"
)

// BenchmarkOCSP is OCSP over plain HTTP, by POST, 64 clients asking for the same
// few certificates (answers are kept) or each time for another one (the database
// is asked and an answer signed).
func BenchmarkOCSP(b *testing.B) {
	s := serve(b, b.TempDir(), "")
	requests := s.questions(b, callers)
	t := &http.Transport{MaxIdleConnsPerHost: callers}
	b.Cleanup(t.CloseIdleConnections)
	client := &http.Client{Transport: t, Timeout: patience}
	ask := func(body []byte) error {
		answer, err := client.Post("http://"+s.plain+"/ocsp", "application/ocsp-request", bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		data, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		got, err := ocsp.ParseResponse(data, nil)
		if err == nil && got.Status != ocsp.Good {
			err = fmt.Errorf("status %d", got.Status)
		}
		return err
	}
	b.Run("first-answers", func(b *testing.B) {
		n := certificates * b.N
		fresh := make(chan []byte, n) // one question is first only once
		for _, r := range s.questions(b, n) {
			fresh <- r
		}
		s.measureAll(b, n, func() { parallel(b, callers, n, func(int) error { return ask(<-fresh) }) })
	})
	b.Run("kept-answers", func(b *testing.B) {
		s.measure(b, func() { parallel(b, callers, b.N, func(worker int) error { return ask(requests[worker]) }) })
	})
}

// questions are OCSP requests for so many fresh certificates.
func (s *server) questions(b *testing.B, n int) [][]byte {
	b.Helper()
	clients := s.clients(b, callers)
	_, der := newRequest(b, "shop.example.com")
	csr, all := pemOf(der), make(chan []byte, n)
	parallel(b, callers, n, func(worker int) error {
		issued, err := clients[worker].Issue(b.Context(), ca.IssueRequest{CSR: csr})
		if err != nil {
			return err
		}
		leaf, rest := pem.Decode([]byte(issued.Chain))
		above, _ := pem.Decode(rest)
		if leaf == nil || above == nil {
			return errors.New("the chain holds no two certificates")
		}
		cert, err := x509.ParseCertificate(leaf.Bytes)
		if err != nil {
			return err
		}
		issuer, err := x509.ParseCertificate(above.Bytes)
		if err != nil {
			return err
		}
		request, err := ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: crypto.SHA1})
		all <- request
		return err
	})
	close(all)
	var requests [][]byte
	for r := range all {
		requests = append(requests, r)
	}
	if len(requests) != n {
		b.Fatalf("%d of %d requests", len(requests), n)
	}
	return requests
}

// BenchmarkList downloads the revocation list of 100,000 certificates, and times
// how soon after a revocation a new list is out.
func BenchmarkList(b *testing.B) {
	const listed = 100_000
	s := withRevoked(b, listed)
	client := s.clients(b, 1)[0]
	_, der := newRequest(b, "shop.example.com")
	list := func() *x509.RevocationList {
		data := s.download(b, "/crl/issuing.crl")
		l, err := x509.ParseRevocationList(data)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(data))/1e6, "MB")
		return l
	}
	b.Run("download", func(b *testing.B) {
		s.measure(b, func() {
			for range b.N {
				s.download(b, "/crl/issuing.crl")
			}
		})
	})
	b.Run("from-revocation-to-list", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			issued, err := client.Issue(b.Context(), ca.IssueRequest{CSR: pemOf(der)})
			if err != nil {
				b.Fatal(err)
			}
			before := len(list().RevokedCertificateEntries)
			own, _ := s.spent(b)
			b.StartTimer()
			if _, err := client.Revoke(b.Context(), issued.Certificate.ID, ca.RevokeRequest{}); err != nil {
				b.Fatal(err)
			}
			after := before
			for end := time.Now().Add(patience); after <= before; after = len(list().RevokedCertificateEntries) {
				if time.Now().After(end) {
					b.Fatal("no new list")
				}
				pause(b.Context(), 100*time.Millisecond)
			}
			own2, _ := s.spent(b)
			b.ReportMetric(float64((own2 - own).Milliseconds()), "server-cpu-ms")
			b.ReportMetric(float64(after), "entries")
		}
	})
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// download is a file of the plain listener.
func (s *server) download(b *testing.B, path string) []byte {
	b.Helper()
	answer, err := http.Get("http://" + s.plain + path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s %v", path, answer.Status, err)
	}
	return data
}
