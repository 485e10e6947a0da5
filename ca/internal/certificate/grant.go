package certificate

import (
	"context"
	"crypto"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
)

// Grant is a certificate that a procedure of the authority gives, rather than
// an administrator: enrolment, and the renewal of peers.
type Grant struct {
	Profile string
	// Names are the whole subject; the CSR brings only the key.
	Names []string
	CSR   []byte
	By    audit.Caller
	// Renews is the id of the predecessor, or empty. A revoked one fails it.
	Renews string
	// Within runs in the transaction that writes the certificate; its error
	// undoes everything.
	Within func(ctx context.Context, tx *sql.Tx, r *store.Record) error
}

// Grant issues the certificate.
func (s *Service) Grant(ctx context.Context, g Grant) (*store.Record, error) {
	p, ok := s.Profiles.Get(g.Profile)
	if !ok {
		return nil, fmt.Errorf("grant a certificate: no profile %q", g.Profile)
	}
	c, err := parseCSR(g.CSR)
	if err != nil {
		return nil, err
	}
	d := draft{profile: p, by: g.By, action: journal.Issued, renews: g.Renews, within: g.Within}
	d.certify(c)
	if g.Renews != "" {
		d.action = journal.Renewed
	}
	if d.subject, err = s.Profiles.Check(p, profile.Request{Names: g.Names}); err != nil {
		return nil, err
	}
	issued, err := s.sign(ctx, &d)
	if err != nil {
		return nil, err
	}
	return issued.Record, nil
}

// CSRNames reads who a request is for, after checking its key and signature.
func CSRNames(data []byte) (commonName string, names []string, err error) {
	c, err := parseCSR(data)
	if err != nil {
		return "", nil, err
	}
	return c.commonName, c.names, nil
}

// IssueResponder issues a certificate for a key that signs OCSP answers (RFC
// 6960, section 4.2.2.2).
func (s *Service) IssueResponder(ctx context.Context, public crypto.PublicKey) (*x509.Certificate, error) {
	p, _ := s.Profiles.Get(profile.OCSP)
	keyType, err := profile.TypeOf(public)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("marshal the responder's key: %w", err)
	}
	issued, err := s.sign(ctx, &draft{profile: p, public: public, keyType: keyType, keyID: profile.KeyID(spki),
		by: audit.Caller{Actor: audit.System}, action: journal.Issued,
		subject: profile.Subject{CommonName: "OCSP responder", Lifetime: p.Lifetime}})
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(issued.Record.DER)
}

// Ending lists what ends within a span and nobody has renewed.
func (s *Service) Ending(ctx context.Context, within time.Duration, limit int) ([]*store.Record, error) {
	now := s.Guard.Time()
	return s.Store.Ending(ctx, now, now.Add(within), limit)
}

// Predecessor is the id of the newest certificate that the same requester has
// for the same names, if it is neither revoked nor renewed; empty if none.
func (s *Service) Predecessor(ctx context.Context, profileName string, names []string, requester string) (string, error) {
	p, _ := s.Profiles.Get(profileName)
	subject, err := s.Profiles.Check(p, profile.Request{Names: names})
	if err != nil {
		return "", err
	}
	r, err := s.Store.FindByName(ctx, subject.CommonName)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case r.Profile != profileName, r.Requester != requester, r.Revoked(), r.RenewedBy != "", !slices.Equal(r.Names, texts(subject.Names)):
		return "", nil
	}
	return r.ID, nil
}
