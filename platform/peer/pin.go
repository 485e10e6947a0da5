package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"

	"guildhall/sdk/go/ca"
)

// pinned dials the authority for a newcomer that knows its root's fingerprint
// and nothing else.
func (a *Remote) pinned(t ca.JoinToken) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		raw, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", a.node.addresses[AuthorityService])
		if err != nil {
			return nil, err
		}
		conn := tls.Client(raw, &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, ServerName: EnrolName,
			InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does all of it, by the pinned root
			VerifyConnection:   func(cs tls.ConnectionState) error { return verifyPinned(cs, t, a.node) }})
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
}

// verifyPinned wants a chain that ends in the token's root and begins with the
// authority's service certificate.
func verifyPinned(cs tls.ConnectionState, t ca.JoinToken, n *Node) error {
	roots, rest := x509.NewCertPool(), x509.NewCertPool()
	found := false
	for _, c := range cs.PeerCertificates {
		if t.Trusts(c.Raw) {
			roots.AddCert(c)
			found = true
		} else {
			rest.AddCert(c)
		}
	}
	if !found {
		return fmt.Errorf("the authority at %s is not the one that made this join token: none of its certificates has the fingerprint %s",
			n.addresses[AuthorityService], hex.EncodeToString(t.Root[:]))
	}
	leaf := cs.PeerCertificates[0]
	if service, err := ServiceOfCertificate(leaf); err != nil || service != AuthorityService {
		return fmt.Errorf("the server at %s is not the authority", n.addresses[AuthorityService])
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: rest, CurrentTime: n.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}
