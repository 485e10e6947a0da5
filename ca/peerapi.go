package ca

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"

	"guildhall/ca/internal/enrol"
	"guildhall/ca/internal/feed"
	"guildhall/ca/internal/keys"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/limit"
	"guildhall/platform/peer"
)

// peerAPI gives services their certificates and tells them of revocations: the
// services of this process directly, by the methods of peer.Authority, and all
// others by the routes of the internal listener.
type peerAPI struct {
	enroller *enrol.Enroller
	keys     *keys.Keyring
	hub      *feed.Hub
	// local is this process as a subscriber.
	local peer.Subscriber
	// limiter makes what bounds enrolments; nil: of this process alone.
	limiter limit.Maker
}

func (s *service) peers(d *db.DB) *peerAPI {
	// The only process on its database, and the same one after a restart. No
	// other process can come under this mark: it is none that the wire takes.
	instance := "(local)"
	if d.Engine == db.Postgres {
		instance = rand.Text()
	}
	return &peerAPI{enroller: s.enroller, keys: s.keys, hub: s.hub, local: peer.Subscriber{Service: peer.AuthorityService, Instance: instance}}
}

// routes are for the services of other processes. Every service may call all of
// them; what it gets depends on the certificate that it came with.
func (a *peerAPI) routes() []peer.Route {
	return peer.Registrar{
		Enrol: func(ctx context.Context, r peer.EnrolRequest, from string) (*peer.Bundle, error) {
			return a.bundle(a.enroller.Enrol(ctx, r.CSR, r.Token, from))
		},
		Renew: func(ctx context.Context, c peer.Caller, csr []byte, from string) (*peer.Bundle, error) {
			return a.bundle(a.enroller.Renew(ctx, csr, enrol.Peer(c), from))
		},
		ServerCertificate: func(ctx context.Context, c peer.Caller, csr []byte, from string) (*peer.Bundle, error) {
			return a.bundle(a.enroller.ServerCertificate(ctx, csr, enrol.Peer(c), from))
		},
		Subscribe: a.hub.Subscribe, Ack: a.hub.Ack, Leave: a.hub.Leave,
		Knows: a.Knows, Limiter: a.limiter,
	}.Routes()
}

// Enrol implements peer.Authority for this process, where a token is needed
// only after a revocation.
func (a *peerAPI) Enrol(ctx context.Context, r peer.EnrolRequest) (*peer.Bundle, error) {
	if r.Token != "" {
		return a.bundle(a.enroller.Enrol(ctx, r.CSR, r.Token, ""))
	}
	return a.Renew(ctx, r.CSR)
}

// Renew implements peer.Authority. In this process a certificate proves nothing
// that its memory does not; a service whose last one was revoked is refused.
func (a *peerAPI) Renew(ctx context.Context, csr []byte) (*peer.Bundle, error) {
	q, err := x509.ParseCertificateRequest(csr)
	if err != nil || len(q.DNSNames) != 1 {
		return nil, fault.New(fault.Invalid, "csr_names", "A service's request names the service alone, as in %s.", peer.Name("bank"))
	}
	service, ok := peer.ServiceOf(q.DNSNames[0])
	if !ok {
		return nil, fault.New(fault.Invalid, "csr_names", "%q is not the name of a service. Write %s.", q.DNSNames[0], peer.Name("bank"))
	}
	return a.bundle(a.enroller.EnrolLocal(ctx, service, csr))
}

// ServerCertificate implements peer.Authority.
func (a *peerAPI) ServerCertificate(ctx context.Context, csr []byte) (*peer.Bundle, error) {
	return a.bundle(a.enroller.ServerCertificateLocal(ctx, csr, ""))
}

// Knows implements peer.Authority.
func (a *peerAPI) Knows(ctx context.Context, certificate []byte) (bool, error) {
	return a.enroller.Knows(ctx, certificate)
}

// Follow implements peer.Authority.
func (a *peerAPI) Follow(ctx context.Context, after uint64, apply func(peer.Update) error) error {
	return a.hub.Follow(ctx, a.local, after, apply)
}

// Roots implements peer.Authority.
func (a *peerAPI) Roots() ([]*x509.Certificate, error) {
	return []*x509.Certificate{a.keys.RootCertificate()}, nil
}

// bundle adds to an issued certificate what its holder must trust.
func (a *peerAPI) bundle(i enrol.Issued, err error) (*peer.Bundle, error) {
	if err != nil {
		return nil, err
	}
	return &peer.Bundle{Chain: i.Chain, Roots: [][]byte{a.keys.RootCertificate().Raw}, StatusKey: a.keys.Status().Public().(ed25519.PublicKey)}, nil //nolint:forcetypeassert // an Ed25519 key has no other
}
