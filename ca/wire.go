package ca

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
	"guildhall/platform/config"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/ca"
)

// Here the authority's own types become those of the wire, and back.

func (s *service) wireCertificate(r *store.Record) wire.Certificate {
	c := wire.Certificate{
		ID: r.ID, Serial: r.Serial, Profile: r.Profile, Status: s.certificates.Status(r), CommonName: r.CommonName, SANs: r.Names,
		KeyType: r.KeyType, KeyID: r.KeyID, KeyMade: r.KeyMade, Requester: r.Requester, IssuedAt: r.IssuedAt,
		NotBefore: r.NotBefore, NotAfter: r.NotAfter, RenewAt: r.RenewAt, Renews: r.Renews, RenewedBy: r.RenewedBy,
		PEM: certificate.PEM(r.DER),
	}
	if c.SANs == nil {
		c.SANs = []string{}
	}
	if r.Revoked() {
		c.RevokedAt, c.Reason = &r.RevokedAt, certificate.ReasonName(r.Reason)
	}
	return c
}

func (s *service) wireIssued(i *certificate.Issued) *wire.Issued {
	return &wire.Issued{Certificate: s.wireCertificate(i.Record), PrivateKey: i.KeyPEM, Reused: i.Reused,
		Chain: certificate.PEM(s.certificates.Chain(i.Record)...)}
}

func (s *service) wireRevoked(r *certificate.Revoked) *wire.Revoked {
	w := &wire.Revoked{Certificate: s.wireCertificate(r.Record), Already: r.Already, Announced: !r.Unannounced, Peers: r.Reach.Peers,
		Acknowledged: r.Reach.Acknowledged, Lapsed: r.Reach.Lapsed, Milliseconds: float64(r.Reach.Took.Microseconds()) / 1000}
	if w.Lapsed == nil {
		w.Lapsed = []string{}
	}
	return w
}

func (s *service) wireVerification(v *certificate.Verification) *wire.Verification {
	w := &wire.Verification{Valid: v.Valid, Subject: v.Certificate.Subject.String(), Checks: []wire.Check{}}
	for _, c := range v.Checks {
		w.Checks = append(w.Checks, wire.Check{Name: c.Name, OK: c.OK, Status: checkStatus(c), Detail: c.Detail})
	}
	if v.Record != nil {
		c := s.wireCertificate(v.Record)
		w.Certificate = &c
	}
	return w
}

func checkStatus(c certificate.Check) string {
	switch {
	case c.OK:
		return "passed"
	case c.Skipped:
		return "skipped"
	}
	return "failed"
}

func wireToken(t *store.Token, now time.Time) wire.Token {
	w := wire.Token{ID: t.ID, Service: t.Service, State: "unused", MadeBy: t.MadeBy, MadeAt: t.MadeAt, ExpiresAt: t.ExpiresAt,
		UsedFor: t.UsedFor, WithdrawnBy: t.WithdrawnBy}
	switch {
	case !t.UsedAt.IsZero():
		w.State, w.UsedAt = "used", &t.UsedAt
	case !t.WithdrawnAt.IsZero():
		w.State, w.WithdrawnAt = "withdrawn", &t.WithdrawnAt
	case now.After(t.ExpiresAt):
		w.State = "expired"
	}
	return w
}

func (s *service) wireAuthority() *wire.Authority {
	root, issuing := s.keys.RootCertificate(), s.keys.Issuing().Certificate
	return &wire.Authority{
		Root: certificate.PEM(root.Raw), RootFingerprint: fingerprint(root.Raw), RootSubject: root.Subject.String(), RootNotAfter: root.NotAfter,
		Issuing: certificate.PEM(issuing.Raw), IssuingFingerprint: fingerprint(issuing.Raw), IssuingSubject: issuing.Subject.String(), IssuingNotAfter: issuing.NotAfter,
	}
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// lifetime reads a length of time from a request; empty is zero.
func lifetime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	var d config.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil || d <= 0 {
		return 0, fault.Fields(fault.Field{Name: "lifetime", Code: "invalid_duration",
			Detail: "This is not a length of time. Write a number and a unit (m, h, d), such as 90d or 12h."})
	}
	return d.Std(), nil
}
