package enrol

import (
	"context"
	"database/sql"
	"net/netip"
	"slices"
	"strings"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// ServerCertificate gives a peer a certificate for its public listener.
func (e *Enroller) ServerCertificate(ctx context.Context, csr []byte, p Peer, from string) (Issued, error) {
	by := p.caller(from)
	issued, err := e.peerServer(ctx, csr, p, by)
	return issued, e.refused(ctx, by, journal.IssueRefused, Name(p.Service), err)
}

func (e *Enroller) peerServer(ctx context.Context, csr []byte, p Peer, by audit.Caller) (Issued, error) {
	if _, err := e.current(ctx, p); err != nil {
		return Issued{}, err
	}
	return e.server(ctx, csr, by, func(host string) error {
		own := p.Service + "." + e.Domain
		if host == own || strings.HasSuffix(host, "."+own) || slices.Contains(e.PublicNames[p.Service], host) {
			return nil
		}
		return fault.New(ErrNames.Kind, ErrNames.Code, "%s may not have a certificate for %s. Ask for %s or names under it, or add the name to ca.public_names.%s.", Name(p.Service), host, own, p.Service)
	}, e.still(p))
}

// still fails the transaction when the peer was revoked since it asked.
func (e *Enroller) still(p Peer) func(context.Context, *sql.Tx, *store.Record) error {
	return func(ctx context.Context, tx *sql.Tx, _ *store.Record) error {
		r, err := e.Certificates.Store.FindTx(ctx, tx, p.Serial)
		if err == nil && r.Revoked() {
			err = ErrPeerRevoked
		}
		return err
	}
}

// ServerCertificateLocal gives the authority's own process a certificate for
// its public listener, for any names under the domain.
func (e *Enroller) ServerCertificateLocal(ctx context.Context, csr []byte, from string) (Issued, error) {
	by := audit.Caller{Actor: "local:process", From: from}
	issued, err := e.server(ctx, csr, by, e.local, nil)
	return issued, e.refused(ctx, by, journal.IssueRefused, e.Domain, err)
}

func (e *Enroller) local(host string) error {
	if host == e.Domain || strings.HasSuffix(host, "."+e.Domain) || host == "localhost" {
		return nil
	}
	for _, names := range e.PublicNames {
		if slices.Contains(names, host) {
			return nil
		}
	}
	return fault.New(ErrNames.Kind, ErrNames.Code, "This process may not have a certificate for %s. Ask for names under %s, or add the name to ca.public_names.", host, e.Domain)
}

func (e *Enroller) server(ctx context.Context, csr []byte, by audit.Caller, allowed func(host string) error,
	within func(context.Context, *sql.Tx, *store.Record) error) (Issued, error) {
	commonName, names, err := certificate.CSRNames(csr)
	if err != nil {
		return Issued{}, err
	}
	if len(names) == 0 {
		names = []string{commonName}
	}
	if err := eachAllowed(names, allowed); err != nil {
		return Issued{}, err
	}
	before, err := e.Certificates.Predecessor(ctx, profile.Server, names, by.Actor)
	if err != nil {
		return Issued{}, err
	}
	return e.grant(ctx, certificate.Grant{Profile: profile.Server, Names: names, CSR: csr, By: by, Renews: before, Within: within})
}

func eachAllowed(names []string, allowed func(host string) error) error {
	for _, text := range names {
		n, err := profile.ParseName(text)
		if err != nil {
			return fault.Fields(fault.Field{Name: "csr", Code: "invalid_name", Detail: "In the request, " + err.Error() + "."})
		}
		// Every process may serve itself.
		if addr, err := netip.ParseAddr(n.Value); err == nil && addr.IsLoopback() {
			continue
		}
		if err := allowed(n.Value); err != nil {
			return err
		}
	}
	return nil
}
