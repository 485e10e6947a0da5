package peer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/fault"
)

// VerifyClient is nil when the authority stands for a certificate that a client of
// a public host has shown with those that it sent along: it is for clients, valid
// now, of a chain that ends in our roots and has no revoked certificate, and the
// authority has a record of it. Whose it is, its names say. The error is
// fault.Unavailable when that cannot be known at the moment, because the news of
// revocations are stale or the authority does not answer.
func (n *Node) VerifyClient(ctx context.Context, cert *x509.Certificate, intermediates []*x509.Certificate) error {
	chains, err := cert.Verify(x509.VerifyOptions{Roots: n.trust.Load().pool, Intermediates: poolOf(intermediates), CurrentTime: n.now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return fmt.Errorf("verify the client's certificate: %w", err)
	}
	err = admission{node: n}.check(chains)
	if err == nil {
		err = n.known.check(ctx, cert)
	}
	if errors.Is(err, ErrStale) || errors.Is(err, ErrUnconfirmed) {
		return fault.New(fault.Unavailable, "certificate_state_unknown",
			"Whether the client's certificate is good cannot be known at the moment: %w. Try again.", err).After(time.Second)
	}
	return err
}
