package clientauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/client"
	"guildhall/platform/fault"
)

// certified checks that the authority stands for the certificate, and the
// certificate for the application: RFC 8705, 2.1.
func (d *Desk) certified(ctx context.Context, c *client.Client, chain []*x509.Certificate) (why string, err error) {
	named := slices.ContainsFunc(chain[0].DNSNames, func(name string) bool { return strings.EqualFold(name, c.TLSSubjectDNS) })
	if !named || c.TLSSubjectDNS == "" || d.o.VerifyCertificate == nil {
		return "certificate", nil
	}
	err = d.o.VerifyCertificate(ctx, chain[0], chain[1:])
	if err != nil && fault.As(err).Kind == fault.Unavailable {
		return "", err
	}
	return unless(err == nil, "certificate"), nil
}

// registered says whether the application registered the certificate, or its key:
// RFC 8705, 2.2. That the other side has the private key, the TLS handshake has
// shown.
func registered(c *client.Client, certificate *x509.Certificate) bool {
	return slices.ContainsFunc(keys(c), func(key jose.JSONWebKey) bool {
		if len(key.Certificates) > 0 {
			return key.Certificates[0].Equal(certificate)
		}
		switch k := key.Key.(type) {
		case *ecdsa.PublicKey:
			return k.Equal(certificate.PublicKey)
		case *rsa.PublicKey:
			return k.Equal(certificate.PublicKey)
		case ed25519.PublicKey:
			return k.Equal(certificate.PublicKey)
		}
		return false
	})
}
