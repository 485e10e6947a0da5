package certificate

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// ErrIssuerEnds says that the issuing certificate is near its own end.
var ErrIssuerEnds = fault.New(fault.Unavailable, "issuer_ends", "The issuing certificate of this authority ends before a new certificate would begin to be of use. It has to be replaced first.")

// draft is a certificate that was checked and is ready to be signed.
type draft struct {
	profile profile.Profile
	subject profile.Subject
	public  crypto.PublicKey
	keyType profile.KeyType
	keyID   string
	// fromCSR says that the request brought the key.
	fromCSR bool
	// private is the CA-made key, if there is one.
	private crypto.Signer
	keepKey bool
	by      audit.Caller
	action  string
	// renews is the id of the predecessor, or empty.
	renews string
	// as is the id to give, or empty.
	as string
	// within runs in the transaction, after the audit entry.
	within func(ctx context.Context, tx *sql.Tx, r *store.Record) error
}

// certify makes the draft one for the key of a request.
func (d *draft) certify(c *csr) {
	d.public, d.keyType, d.keyID, d.fromCSR = c.public, c.keyType, profile.KeyID(c.spki), true
}

// sign signs the draft and records it. Until the commit nobody sees the
// certificate: an error means that there is none.
func (s *Service) sign(ctx context.Context, d *draft) (*Issued, error) {
	now, err := s.Guard.Now()
	if err != nil {
		return nil, err
	}
	r, err := s.seal(d, now)
	if err != nil {
		return nil, err
	}
	issued := &Issued{Record: r}
	if err := s.addKey(issued, d); err != nil {
		return nil, err
	}
	err = s.record(ctx, d, r)
	if e, ok := errors.AsType[*store.CompromisedError](err); ok {
		return nil, d.compromised(e)
	}
	if err != nil {
		return nil, err
	}
	s.Guard.Mark(now)
	return issued, nil
}

// seal makes the signed certificate and its record.
func (s *Service) seal(d *draft, now time.Time) (*store.Record, error) {
	t, err := d.profile.Template(d.subject, d.public, now, s.Addresses)
	if err != nil {
		return nil, err
	}
	// No certificate outlives its issuer.
	if end := s.issuing.Certificate.NotAfter; t.NotAfter.After(end) {
		t.NotAfter = end
	}
	if t.NotAfter.Sub(now) < profile.MinLifetime/2 {
		return nil, ErrIssuerEnds
	}
	der, err := x509.CreateCertificate(rand.Reader, t, s.issuing.Certificate, d.public, s.issuing.Key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return &store.Record{
		ID: cmp.Or(d.as, NewID()), Serial: profile.SerialText(t.SerialNumber), Profile: d.profile.Name,
		CommonName: d.subject.CommonName, Names: texts(d.subject.Names), KeyType: string(d.keyType), KeyID: d.keyID,
		KeyMade: d.private != nil, Requester: d.by.Actor, IssuedAt: now, NotBefore: t.NotBefore, NotAfter: t.NotAfter,
		RenewAt: renewAt(t.NotBefore, t.NotAfter), Renews: d.renews, DER: der,
	}, nil
}

// renewAt is when two thirds of the life are over, or store.MaxWarning before the
// end, whichever is later.
func renewAt(notBefore, notAfter time.Time) time.Time {
	return notAfter.Add(-min(notAfter.Sub(notBefore)/3, store.MaxWarning))
}

func (s *Service) addKey(issued *Issued, d *draft) error {
	if d.private == nil {
		return nil
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(d.private)
	if err != nil {
		return fmt.Errorf("marshal a private key: %w", err)
	}
	issued.KeyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	if d.keepKey {
		issued.Record.SealedKey = s.Keys.Seal().Seal(keptName(issued.Record.ID), pkcs8)
	}
	return nil
}

// keptName binds a kept key to its certificate.
func keptName(id string) string { return "certificate " + id }

func (s *Service) record(ctx context.Context, d *draft, r *store.Record) error {
	return s.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := s.Journal.Append(ctx, tx, d.by, d.action, r.ID, detail(d, r)); err != nil {
			return err
		}
		if err := s.once(ctx, tx, d.as); err != nil {
			return err
		}
		if d.within != nil {
			if err := d.within(ctx, tx, r); err != nil {
				return err
			}
		}
		high, err := s.Store.Insert(ctx, tx, r)
		if err != nil {
			return err
		}
		// Another node may have signed later than we know.
		return s.Guard.Compare(r.IssuedAt, high)
	})
}

func detail(d *draft, r *store.Record) map[string]any {
	m := map[string]any{"serial": r.Serial, "profile": r.Profile, "common_name": r.CommonName, "sans": r.Names,
		"not_after": r.NotAfter.UTC().Format(time.RFC3339), "key_type": r.KeyType, "key_made_here": r.KeyMade}
	if d.renews != "" {
		m["renews"] = d.renews
	}
	if r.SealedKey != nil {
		m["key_kept"] = true
	}
	return m
}
