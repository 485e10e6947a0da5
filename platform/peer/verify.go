package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// admission judges the other side of one handshake, a resumed one as well.
type admission struct {
	ctx  context.Context //nolint:containedctx // crypto/tls hands none to VerifyConnection
	node *Node
	conn net.Conn
	// shown is the certificate that we came with.
	shown *x509.Certificate
	// want is the service that must be there; empty on the accepting side, where
	// any enrolled service may come as far as the allow-lists.
	want string
	// source is true when the other side is the authority, which is where fresh
	// news come from: the age of the old ones cannot keep us from asking, and
	// whom it knows is for it to say.
	source bool
}

func (a admission) verify(cs tls.ConnectionState) error {
	if len(cs.VerifiedChains) == 0 || len(cs.PeerCertificates) == 0 {
		return errors.New("the peer has shown no certificate that our roots stand for")
	}
	service, err := ServiceOfCertificate(cs.PeerCertificates[0])
	if err != nil {
		return err
	}
	if a.want != "" && service != a.want {
		return fmt.Errorf("the peer is %s, not %s", service, a.want)
	}
	a.node.conns.add(a.conn, allOf(cs.VerifiedChains), spanOf(cs.PeerCertificates[0], a.shown), a.source)
	err = a.check(cs.VerifiedChains)
	if err == nil && !a.source {
		err = a.node.known.check(a.ctx, cs.PeerCertificates[0])
	}
	if err != nil {
		a.node.conns.remove(a.conn)
		return fmt.Errorf("%s with certificate %s is refused: %w", service, SerialText(cs.PeerCertificates[0]), err)
	}
	return nil
}

// check wants one chain without a revoked certificate.
func (a admission) check(chains [][]*x509.Certificate) (err error) {
	check := a.node.revoked.Check
	if a.source {
		check = a.node.revoked.CheckListed
	}
	for _, chain := range chains {
		if err = check(chain); err == nil {
			return nil
		}
	}
	return err
}

func allOf(chains [][]*x509.Certificate) []*x509.Certificate {
	if len(chains) == 1 {
		return chains[0]
	}
	seen := map[*x509.Certificate]bool{}
	var all []*x509.Certificate
	for _, chain := range chains {
		for _, c := range chain {
			if !seen[c] {
				seen[c] = true
				all = append(all, c)
			}
		}
	}
	return all
}
