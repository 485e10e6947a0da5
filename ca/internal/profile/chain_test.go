package profile_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"

	"guildhall/ca/internal/profile"
)

// chain is a root with constraints that signs what it is told.
type chain struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newChain(t *testing.T, policy profile.Policy) *chain {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: profile.Serial(), Subject: pkix.Name{CommonName: "Root"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	policy.Constrain(root)
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &chain{root, key}
}

type fataler interface{ Fatal(args ...any) }

// accepts says whether a certificate for the subject verifies under the root.
func (c *chain) accepts(t fataler, p profile.Profile, s profile.Subject) bool {
	template, err := p.Template(s, c.key.Public(), time.Now(), profile.Addresses{Base: "http://ca.example.test"})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.root, c.key.Public(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.root)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: p.Usages})
	return err == nil
}
