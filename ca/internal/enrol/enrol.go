// Package enrol gives guildhall's own services their certificates: the first by
// a join token (or directly, in the authority's own process), the next ones to
// a peer that shows the last. A revoked certificate opens no way to another:
// its service needs a new token.
package enrol

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/ca/internal/token"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/peer"
	"guildhall/sdk/go/ca"
)

// Why a service gets no certificate.
var (
	ErrPeerRevoked = fault.New(fault.Forbidden, "peer_revoked", "The certificate that you came with is revoked. Get a new join token (\"guildhall ca token create\") and enrol again.")
	ErrPeerUnknown = fault.New(fault.Forbidden, "peer_unknown", "The certificate that you came with is not a valid service certificate of this authority. Get a join token and enrol.")
	ErrNames       = fault.New(fault.Forbidden, "names_not_allowed", "The request is for names that are not this service's.")
)

// Issued is a certificate for a service.
type Issued struct {
	// Chain is DER, leaf first, without the root.
	Chain [][]byte
}

// Peer is a service that was authenticated by mutual TLS.
type Peer struct {
	// Service is its name, "shop"; Serial that of the certificate it came with.
	Service, Serial string
}

func (p Peer) caller(from string) audit.Caller {
	return audit.Caller{Actor: "peer:" + Name(p.Service), From: from}
}

// Name is the name of a service among its peers.
func Name(service string) string { return service + "." + profile.InternalDomain }

// Enroller enrols services. It is safe for concurrent use.
type Enroller struct {
	Certificates *certificate.Service
	Tokens       *token.Desk
	// Domain is the parent of the public hosts: "shop" may have
	// shop.<domain>, and the process of the authority any name below.
	Domain string
	// PublicNames are further public names by service.
	PublicNames map[string][]string

	met met
}

// Enrol gives a service its first certificate. The token is used up by it, and
// only by it: when the certificate is not written, the token stays good.
func (e *Enroller) Enrol(ctx context.Context, csr []byte, text, from string) (Issued, error) {
	by := audit.Caller{Actor: "join token", From: from}
	issued, err := e.enrol(ctx, csr, text, &by)
	return issued, e.refused(ctx, by, journal.TokenRefused, by.Actor, err)
}

func (e *Enroller) enrol(ctx context.Context, csr []byte, text string, by *audit.Caller) (Issued, error) {
	t, err := ca.ParseJoinToken(text)
	if err != nil {
		return Issued{}, token.ErrUnknown
	}
	by.Actor = "join token " + t.ID
	service, err := serviceOf(csr)
	if err != nil {
		return Issued{}, err
	}
	return e.grant(ctx, certificate.Grant{Profile: profile.Service, Names: []string{Name(service)}, CSR: csr, By: *by,
		Within: func(ctx context.Context, tx *sql.Tx, r *store.Record) error {
			return e.Tokens.Redeem(ctx, tx, t, service, r.Serial)
		}})
}

// EnrolLocal gives a service of the authority's own process its certificate. It
// needs no token, unless the service's last certificate was revoked: a restart
// must not undo that (ErrPeerRevoked). The authority itself holds the issuing
// key; to refuse it would only keep the revocation lists from being served.
func (e *Enroller) EnrolLocal(ctx context.Context, service string, csr []byte) (Issued, error) {
	last, err := e.Certificates.Store.FindByName(ctx, Name(service))
	var renews string
	switch {
	case err == nil && last.Revoked() && service != peer.AuthorityService:
		return Issued{}, ErrPeerRevoked
	case err == nil && !last.Revoked(): // what is revoked has no successor
		renews = last.ID
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return Issued{}, err
	}
	return e.grant(ctx, certificate.Grant{Profile: profile.Service, Names: []string{Name(service)}, CSR: csr,
		By: audit.Caller{Actor: "local:" + Name(service)}, Renews: renews})
}

// serviceOf reads for which service a request is: its only name.
func serviceOf(csr []byte) (string, error) {
	commonName, names, err := certificate.CSRNames(csr)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		names = []string{commonName}
	}
	n, err := profile.ParseName(names[0])
	service, ok := strings.CutSuffix(n.Value, "."+profile.InternalDomain)
	if err != nil || len(names) != 1 || !ok || n.Kind != profile.DNS {
		return "", fault.Fields(fault.Field{Name: "csr", Code: "invalid_name", Detail: fmt.Sprintf("A service asks for exactly one name, such as shop.%s.", profile.InternalDomain)})
	}
	return service, nil
}

// Renew gives a peer the successor of the certificate it came with.
func (e *Enroller) Renew(ctx context.Context, csr []byte, p Peer, from string) (Issued, error) {
	by := p.caller(from)
	issued, err := e.renew(ctx, csr, p, by)
	return issued, e.refused(ctx, by, journal.RenewRefused, Name(p.Service), err)
}

func (e *Enroller) renew(ctx context.Context, csr []byte, p Peer, by audit.Caller) (Issued, error) {
	before, err := e.predecessor(ctx, p)
	if err != nil {
		return Issued{}, err
	}
	issued, err := e.grant(ctx, certificate.Grant{Profile: profile.Service, Names: []string{Name(p.Service)}, CSR: csr, By: by, Renews: before.ID})
	if errors.Is(err, ErrPeerRevoked) {
		e.met.forget(p.Serial) // so that the next attempt ends before it is signed
	}
	return issued, err
}

// predecessor is what never changes of the certificate that a peer came with, if
// that speaks for the peer. Whether it is revoked may be left to the transaction
// of its renewal.
func (e *Enroller) predecessor(ctx context.Context, p Peer) (*store.Record, error) {
	if r, ok := e.met.recall(p.Serial); ok {
		return r, e.speaks(r, p)
	}
	r, err := e.current(ctx, p)
	if err == nil {
		e.met.remember(r)
	}
	return r, err
}

// current is the record of the certificate that a peer came with, if it still
// speaks for the peer. Its revocation is looked up in the database, not in what
// this node may have cached.
func (e *Enroller) current(ctx context.Context, p Peer) (*store.Record, error) {
	r, err := e.Certificates.Get(ctx, p.Serial)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, ErrPeerUnknown
	case err != nil:
		return nil, err
	case r.Revoked():
		return nil, ErrPeerRevoked
	}
	return r, e.speaks(r, p)
}

// speaks says whether a certificate is that of a peer, and has not ended.
func (e *Enroller) speaks(r *store.Record, p Peer) error {
	if r.Profile != profile.Service || r.CommonName != Name(p.Service) || e.Certificates.Status(r) == store.Expired {
		return ErrPeerUnknown
	}
	return nil
}

func (e *Enroller) grant(ctx context.Context, g certificate.Grant) (Issued, error) {
	r, err := e.Certificates.Grant(ctx, g)
	if errors.Is(err, store.ErrRevoked) {
		return Issued{}, ErrPeerRevoked // revoked while it was asking
	}
	if err != nil {
		return Issued{}, err
	}
	return Issued{Chain: e.Certificates.Chain(r)}, nil
}

func (e *Enroller) refused(ctx context.Context, by audit.Caller, action, subject string, err error) error {
	if err == nil {
		return nil
	}
	return e.Certificates.Journal.Refused(ctx, by, action, subject, err)
}
