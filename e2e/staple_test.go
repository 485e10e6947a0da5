package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"golang.org/x/crypto/ocsp"

	"guildhall/platform/peer"
)

// handshake is the public certificate that the server shows, and the OCSP
// answer that it sends along.
func (s *server) handshake(t *testing.T) (leaf *x509.Certificate, staple []byte) {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: "ca.guildhall.localhost"}}
	c, err := dialer.DialContext(t.Context(), "tcp", s.addresses(t).HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	state := c.(*tls.Conn).ConnectionState() //nolint:forcetypeassert // a tls.Dialer makes no other
	return state.PeerCertificates[0], state.OCSPResponse
}

// The authority's own public certificate is revoked: the answer that called it
// good is sent no more once the revocation is answered, and another certificate
// comes by itself.
func TestRevokedPublicCertificateIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "ca")
	first, staple := s.handshake(t)
	if answer, err := ocsp.ParseResponse(staple, nil); err != nil || answer.Status != ocsp.Good {
		t.Fatalf("before the revocation: %+v, %v", answer, err)
	}
	must(t, "ca", "revoke", peer.SerialText(first), "--reason", "superseded", "--data", s.data)
	if leaf, staple := s.handshake(t); leaf.Equal(first) && staple != nil {
		t.Error("the answer that calls the revoked certificate good is still sent along")
	}
	var second *x509.Certificate
	await(t, "another certificate with an answer that calls it good", func() bool {
		second, staple = s.handshake(t)
		return !second.Equal(first) && staple != nil
	})
	if answer, err := ocsp.ParseResponse(staple, nil); err != nil || answer.Status != ocsp.Good || answer.SerialNumber.Cmp(second.SerialNumber) != 0 {
		t.Errorf("after it: %+v, %v", answer, err)
	}
}
