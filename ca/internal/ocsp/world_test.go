package ocsp_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"log/slog"
	"math/big"
	"sync"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"guildhall/ca/internal/ocsp"
)

// world is a small authority with a status table in memory and a clock.
type world struct {
	t         testing.TB
	issuer    *x509.Certificate
	key       *ecdsa.PrivateKey
	mu        sync.Mutex
	status    map[string]ocsp.Status
	now       time.Time
	certified int
	life      time.Duration
	lookupErr error
	certErr   error
	clockErr  error
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, status: map[string]ocsp.Status{}, life: 7 * 24 * time.Hour,
		now: time.Now().UTC().Truncate(time.Second)}
	w.key, w.issuer = authority(t, "Issuing", w.now)
	return w
}

func authority(t testing.TB, name string, now time.Time) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(9000 * time.Hour)}
	return key, create(t, tmpl, tmpl, key.Public(), key)
}

func create(t testing.TB, tmpl, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue makes a certificate that the status table knows as good.
func (w *world) issue(serial int64) *x509.Certificate {
	w.t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "leaf"},
		NotBefore: w.now.Add(-time.Hour), NotAfter: w.now.Add(time.Hour)}
	cert := create(w.t, tmpl, w.issuer, w.key.Public(), w.key)
	w.set(cert, ocsp.Status{})
	return cert
}

func (w *world) set(cert *x509.Certificate, s ocsp.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status[hex.EncodeToString(cert.SerialNumber.Bytes())] = s
}

func (w *world) lookup(_ context.Context, serials []string) (map[string]ocsp.Status, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]ocsp.Status{}
	for _, s := range serials {
		if st, ok := w.status[s]; ok {
			out[s] = st
		}
	}
	return out, w.lookupErr
}

func (w *world) certify(_ context.Context, pub crypto.PublicKey) (*x509.Certificate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.certErr != nil {
		return nil, w.certErr
	}
	w.certified++
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(int64(1000 + w.certified)), Subject: pkix.Name{CommonName: "OCSP responder"},
		NotBefore: w.now, NotAfter: w.now.Add(w.life), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}}}
	return create(w.t, tmpl, w.issuer, pub, w.key), nil
}

func (w *world) clock() (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now, w.clockErr
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) responder() *ocsp.Responder {
	w.t.Helper()
	r, err := ocsp.New(ocsp.Options{Issuer: w.issuer, Lookup: w.lookup, Certify: w.certify, Now: w.clock,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func ask(t testing.TB, cert, issuer *x509.Certificate, h crypto.Hash) []byte {
	t.Helper()
	der, err := xocsp.CreateRequest(cert, issuer, &xocsp.RequestOptions{Hash: h})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// get asks and reads the answer with golang.org/x/crypto/ocsp, which checks the
// signature, the delegate's certificate and the certificate ID.
func (w *world) get(r *ocsp.Responder, cert *x509.Certificate, h crypto.Hash) *xocsp.Response {
	w.t.Helper()
	a := r.Respond(w.t.Context(), ask(w.t, cert, w.issuer, h))
	got, err := xocsp.ParseResponseForCert(a.DER, cert, w.issuer)
	if err != nil {
		w.t.Fatal(err)
	}
	if !got.ThisUpdate.Equal(a.ThisUpdate) || !got.NextUpdate.Equal(a.NextUpdate) {
		w.t.Fatalf("response says %v..%v, answer %v..%v", got.ThisUpdate, got.NextUpdate, a.ThisUpdate, a.NextUpdate)
	}
	return got
}
