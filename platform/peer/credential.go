package peer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"
)

// The blocks of an identity file.
const (
	blockKey    = "PRIVATE KEY"
	blockCert   = "CERTIFICATE"
	blockRoot   = "GUILDHALL ROOT CERTIFICATE"
	blockStatus = "GUILDHALL STATUS KEY"
)

// credential is a certificate, its key and what came with it. It never changes.
type credential struct {
	service   string
	tls       tls.Certificate
	chain     []*x509.Certificate
	roots     []*x509.Certificate
	statusKey ed25519.PublicKey
	renewAt   time.Time
}

// newKey makes a fresh P-256 key and a request for the names.
func newKey(names ...string) (key *ecdsa.PrivateKey, csr []byte, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	csr, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names}, key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate request: %w", err)
	}
	return key, csr, nil
}

// newCredential checks that the bundle is a service certificate for the key.
func newCredential(service string, key crypto.Signer, b *Bundle) (*credential, error) {
	chain, err := parseAll(b.Chain)
	if err != nil {
		return nil, fmt.Errorf("read the certificate chain: %w", err)
	}
	roots, err := parseAll(b.Roots)
	if err != nil {
		return nil, fmt.Errorf("read the root certificates: %w", err)
	}
	if len(chain) == 0 || len(roots) == 0 || len(b.StatusKey) != ed25519.PublicKeySize {
		return nil, errors.New("the bundle lacks a certificate, a root or the status key")
	}
	leaf := chain[0]
	if pub, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || !pub.Equal(key.Public()) {
		return nil, errors.New("the certificate is for another key")
	}
	if got, err := ServiceOfCertificate(leaf); err != nil || got != service {
		return nil, errors.Join(fmt.Errorf("the certificate is not for %s", Name(service)), err)
	}
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	return &credential{service: service, chain: chain, roots: roots, statusKey: b.StatusKey,
		tls: tls.Certificate{Certificate: b.Chain, PrivateKey: key, Leaf: leaf},
		// The jitter keeps services that started together from renewing together.
		renewAt: leaf.NotBefore.Add(life*2/3 + mathrand.N(life/12+1))}, nil //nolint:gosec // jitter needs no secrecy
}

func parseAll(ders [][]byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// verify checks the chain against the roots at a time.
func (c *credential) verify(roots []*x509.Certificate, now time.Time) error {
	o := x509.VerifyOptions{Roots: poolOf(roots), Intermediates: poolOf(c.chain[1:]), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	_, err := c.chain[0].Verify(o)
	return err
}

func poolOf(certs []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool
}

// encode writes the credential as one PEM text, so that key and certificate
// cannot come apart.
func (c *credential) encode() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(c.tls.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	var b bytes.Buffer
	add := func(kind string, der []byte) { _ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}) } // a Buffer takes all
	add(blockKey, key)
	for _, cert := range c.chain {
		add(blockCert, cert.Raw)
	}
	for _, root := range c.roots {
		add(blockRoot, root.Raw)
	}
	add(blockStatus, c.statusKey)
	return b.Bytes(), nil
}

// decodeCredential reads what encode wrote.
func decodeCredential(service string, text []byte) (*credential, error) {
	var b Bundle
	var key crypto.Signer
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case blockKey:
			parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("read the key: %w", err)
			}
			key, _ = parsed.(crypto.Signer)
		case blockCert:
			b.Chain = append(b.Chain, block.Bytes)
		case blockRoot:
			b.Roots = append(b.Roots, block.Bytes)
		case blockStatus:
			b.StatusKey = block.Bytes
		}
	}
	if key == nil {
		return nil, errors.New("there is no private key in it")
	}
	return newCredential(service, key, &b)
}
