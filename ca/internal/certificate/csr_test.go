package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"guildhall/ca/internal/keys"
	"guildhall/ca/internal/profile"
	"guildhall/platform/fault"
)

// inMemory is a service that signs and records nothing.
func inMemory(t testing.TB) *Service {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(2, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	profiles, err := profile.NewSet(profile.Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Service{Options: Options{Profiles: profiles}, issuing: keys.Pair{Certificate: root, Key: key}}
}

// FuzzCSR: whatever is sent as a request, the answer is a certificate that
// verifies or a fault that says what is wrong.
func FuzzCSR(f *testing.F) {
	s := inMemory(f)
	for _, r := range []*x509.CertificateRequest{
		{Subject: pkix.Name{CommonName: "a.example.com"}, DNSNames: []string{"*.example.com", "xn--bcher-kva.example"}},
		{EmailAddresses: []string{"jan@example.com"}},
	} {
		der, err := x509.CreateCertificateRequest(rand.Reader, r, s.issuing.Key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	}
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\n\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range s.Profiles.Requestable() {
			d := draft{profile: p}
			var asked profile.Request
			err := d.useCSR(data, &asked)
			if err == nil {
				d.subject, err = s.Profiles.Check(p, asked)
			}
			if err != nil {
				if _, ok := errors.AsType[*fault.Error](err); !ok {
					t.Fatalf("not a fault: %v", err)
				}
				continue
			}
			verifies(t, s, &d)
		}
	})
}

func verifies(t *testing.T, s *Service, d *draft) {
	t.Helper()
	r, err := s.seal(d, time.Now())
	if err != nil {
		t.Fatalf("a checked request cannot be signed: %v", err)
	}
	c, err := x509.ParseCertificate(r.DER)
	if err != nil {
		t.Fatalf("what was signed cannot be read: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.issuing.Certificate)
	if _, err := c.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: d.profile.Usages}); err != nil {
		t.Fatalf("what was signed does not verify: %v", err)
	}
}
