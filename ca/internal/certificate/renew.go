package certificate

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
)

// RenewRequest asks for a successor: the same profile and names, a new life.
type RenewRequest struct {
	// ID is the predecessor's id or whole serial number.
	ID string
	// CSR brings a key; its names, if any, must be among the predecessor's.
	// Without one the successor has the same key, or, where the authority made
	// the predecessor's or NewKey is set, a new one made here.
	CSR    []byte
	NewKey bool
	// Lifetime is zero for the predecessor's.
	Lifetime time.Duration
	// As is the successor's id, as in IssueRequest.
	As string
	By audit.Caller
}

// Renew issues a successor. A refusal is recorded.
func (s *Service) Renew(ctx context.Context, r RenewRequest) (*Issued, error) {
	issued, err := s.renew(ctx, r)
	if err != nil && !errors.Is(err, ErrIssuedBefore) {
		return nil, s.Journal.Refused(ctx, r.By, journal.RenewRefused, r.ID, err)
	}
	return issued, err
}

func (s *Service) renew(ctx context.Context, r RenewRequest) (*Issued, error) {
	if err := s.unused(ctx, r.As); err != nil {
		return nil, err
	}
	old, err := s.Store.FindWhole(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if old.Revoked() {
		return nil, store.ErrRevoked
	}
	p, err := s.requestable(old.Profile)
	if err != nil {
		return nil, err
	}
	d := draft{profile: p, by: r.By, action: journal.Renewed, renews: old.ID, as: r.As}
	if d.subject, err = s.Profiles.Check(p, again(old, p, r.Lifetime)); err != nil {
		return nil, err
	}
	if err := s.renewKey(ctx, &d, old, r); err != nil {
		return nil, err
	}
	return s.sign(ctx, &d)
}

// again is the request that gave the predecessor. Policy may have changed since,
// so it is checked like a new one.
func again(old *store.Record, p profile.Profile, lifetime time.Duration) profile.Request {
	if lifetime == 0 {
		lifetime = min(old.NotAfter.Sub(old.NotBefore)+time.Second, p.MaxLifetime)
		lifetime = max(lifetime, profile.MinLifetime)
	}
	return profile.Request{CommonName: old.CommonName, Names: old.Names, Lifetime: lifetime}
}

func (s *Service) renewKey(ctx context.Context, d *draft, old *store.Record, r RenewRequest) error {
	switch {
	case len(r.CSR) > 0:
		return d.renewCSR(old, r.CSR)
	case r.NewKey || old.KeyMade:
		return s.makeKey(ctx, d, profile.KeyType(old.KeyType))
	}
	cert, err := x509.ParseCertificate(old.DER)
	if err != nil {
		return fmt.Errorf("read the predecessor: %w", err)
	}
	d.public, d.keyType, d.keyID = cert.PublicKey, profile.KeyType(old.KeyType), old.KeyID
	return nil
}

func (d *draft) renewCSR(old *store.Record, data []byte) error {
	c, err := parseCSR(data)
	if err != nil {
		return err
	}
	for _, name := range c.names {
		n, err := profile.ParseName(name)
		if err != nil || !slices.Contains(old.Names, n.String()) {
			return badCSR("names", fmt.Sprintf("The request names %q, which the certificate to renew does not. A renewal keeps the names; for others ask for a new certificate.", name))
		}
	}
	d.certify(c)
	return nil
}
