package peertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"guildhall/platform/id"
	"guildhall/platform/peer"
	"guildhall/sdk/go/ca"
)

// CA signs certificates. Its fields may be changed between calls.
type CA struct {
	Root, Issuing *x509.Certificate
	Key           crypto.Signer // the issuing key
	StatusKey     ed25519.PrivateKey
	// Life is how long its certificates are valid.
	Life time.Duration
	Now  func() time.Time
}

// NewCA makes a root and an issuing certificate that are valid for a year
// around now.
func NewCA(now func() time.Time) (*CA, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	_, status, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &CA{Key: key, StatusKey: status, Life: 24 * time.Hour, Now: now}
	if c.Root, err = sign(authority("Test root", now()), nil, rootKey.Public(), rootKey); err != nil {
		return nil, err
	}
	c.Issuing, err = sign(authority("Test issuing", now()), c.Root, key.Public(), rootKey)
	return c, err
}

func authority(name string, now time.Time) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
}

// sign makes a certificate; without an issuer it is its own.
func sign(template, issuer *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return nil, err
	}
	serial[0] |= 0x40
	serial[0] &= 0x7f
	template.SerialNumber = new(big.Int).SetBytes(serial)
	if issuer == nil {
		issuer = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Service issues a certificate for the request of a service.
func (c *CA) Service(csr []byte) (*peer.Bundle, *x509.Certificate, error) {
	q, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, nil, err
	}
	if err := q.CheckSignature(); err != nil {
		return nil, nil, err
	}
	if len(q.DNSNames) != 1 {
		return nil, nil, errors.New("a service has one name")
	}
	if _, ok := peer.ServiceOf(q.DNSNames[0]); !ok {
		return nil, nil, fmt.Errorf("%q is not the name of a service", q.DNSNames[0])
	}
	return c.Sign(&x509.Certificate{Subject: pkix.Name{CommonName: q.DNSNames[0]}, DNSNames: q.DNSNames,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, q.PublicKey)
}

// Sign issues whatever the template says, valid from now for Life.
func (c *CA) Sign(template *x509.Certificate, pub crypto.PublicKey) (*peer.Bundle, *x509.Certificate, error) {
	now := c.Now()
	template.NotBefore, template.NotAfter, template.KeyUsage = now.Add(-time.Minute), now.Add(c.Life), x509.KeyUsageDigitalSignature
	leaf, err := sign(template, c.Issuing, pub, c.Key)
	if err != nil {
		return nil, nil, err
	}
	return &peer.Bundle{Chain: [][]byte{leaf.Raw, c.Issuing.Raw}, Roots: [][]byte{c.Root.Raw},
		StatusKey: c.StatusKey.Public().(ed25519.PublicKey)}, leaf, nil //nolint:forcetypeassert // it is one
}

// Token makes a join token that trusts the root.
func (c *CA) Token() (ca.JoinToken, error) {
	t, err := ca.NewJoinToken(id.New("jtk"), rand.Text(), [32]byte{})
	if err != nil {
		return t, err
	}
	t.Root = fingerprint(c.Root.Raw)
	return t, nil
}
