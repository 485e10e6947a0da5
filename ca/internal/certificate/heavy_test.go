package certificate_test

import (
	"context"
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	"guildhall/platform/fault"
)

// TestFloodOfRSAKeysStopsNothingElse asks for many RSA keys at once: another kind
// of key is made meanwhile, and whoever goes away waits no longer.
func TestFloodOfRSAKeysStopsNothingElse(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	ctx, leave := context.WithCancel(t.Context())
	const flood = 30
	ended := make(chan error, flood)
	ask := func(kind profile.KeyType) error {
		_, err := w.Service.Issue(ctx, certificate.IssueRequest{Names: []string{"a.example.com"}, KeyType: kind, By: catest.Admin})
		return err
	}
	for range flood {
		go func() { ended <- ask(profile.RSA4096) }()
	}
	must(t, <-ended) // the flood is under way
	must(t, ask(profile.ECDSAP256))
	if done := len(ended) + 1; done > flood/2 {
		t.Errorf("an ECDSA key waited for %d RSA keys", done)
	}
	leave()
	var answered, busy int
	for range flood - 1 {
		select {
		case err := <-ended:
			if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == "ca_busy" && f.Kind == fault.Unavailable {
				busy++
			} else {
				answered++
			}
		case <-time.After(time.Minute):
			t.Fatal("a request goes on that nobody waits for")
		}
	}
	if most := flood/2 + runtime.GOMAXPROCS(0); answered > most {
		t.Errorf("%d were given up, %d keys were made for nobody", busy, answered)
	}
}

// TestHugePrivateKeysAreNotRead: reading one takes a processor for seconds.
func TestHugePrivateKeysAreNotRead(t *testing.T) {
	t.Parallel()
	half := make([]byte, 30_000)
	_, _ = rand.Read(half) // never fails
	half[0], half[len(half)-1] = 0x80, 1
	prime := new(big.Int).SetBytes(half)
	der, err := asn1.Marshal(struct {
		Version             int
		N, E, D, P, Q, A, B *big.Int
		C                   *big.Int
	}{0, new(big.Int).Mul(prime, prime), big.NewInt(65537), prime, prime, prime, prime, prime, prime})
	must(t, err)
	huge := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
	w := onSQLite(t, catest.Options{})
	issued := w.Issue(t, certificate.IssueRequest{Names: []string{"a.example.com"}})
	began := time.Now()
	for _, text := range []string{string(huge), string(slices.Concat(huge, []byte(issued.KeyPEM)))} {
		_, err := w.Service.PKCS12(t.Context(), certificate.BundleRequest{ID: issued.Record.ID, Password: "correct horse", KeyPEM: text, By: catest.Admin})
		if fieldOf(err, "private_key") != "invalid_key" {
			t.Errorf("got %v", err)
		}
	}
	if took := time.Since(began); took > 4*time.Second { // reading them takes over 10
		t.Errorf("it took %v to refuse", took)
	}
	_, err = w.Service.PKCS12(t.Context(), certificate.BundleRequest{ID: issued.Record.ID, Password: "correct horse", By: catest.Admin,
		KeyPEM: string(slices.Concat([]byte(certificate.PEM(issued.Record.DER)), []byte(issued.KeyPEM)))})
	must(t, err)
}

// TestSlotsAreGivenBack, also by work that fails and by those who left.
func TestSlotsAreGivenBack(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	issued := w.Issue(t, certificate.IssueRequest{Names: []string{"a.example.com"}})
	gone, leave := context.WithCancel(t.Context())
	leave()
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			ctx, key := t.Context(), "no key"
			if i%2 == 0 {
				ctx, key = gone, issued.KeyPEM
			}
			if _, err := w.Service.PKCS12(ctx, certificate.BundleRequest{ID: issued.Record.ID, Password: "correct horse", KeyPEM: key, By: catest.Admin}); err == nil {
				t.Error("a file was made")
			}
		})
	}
	all.Wait()
	_, err := w.Service.PKCS12(t.Context(), certificate.BundleRequest{ID: issued.Record.ID, Password: "correct horse", KeyPEM: issued.KeyPEM, By: catest.Admin})
	must(t, err)
}
