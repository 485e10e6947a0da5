package certificate

import (
	"bytes"
	"context"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"

	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// Get is the certificate with the id or serial number, or store.ErrNotFound.
func (s *Service) Get(ctx context.Context, id string) (*store.Record, error) {
	return s.Store.Find(ctx, id)
}

// Lookup is Get for which the first digits of a serial number will do, or
// store.ErrAmbiguous.
func (s *Service) Lookup(ctx context.Context, id string) (*store.Record, error) {
	return s.Store.Lookup(ctx, id)
}

// List reads one page of certificates; the states hold for this moment.
func (s *Service) List(ctx context.Context, f store.Filter) (store.Page, error) {
	f.Now = s.Guard.Time()
	return s.Store.List(ctx, f)
}

// Status is the state of a certificate at this moment: the most telling of
// store.Revoked, Expired, Expiring and Valid.
func (s *Service) Status(r *store.Record) string {
	now := s.Guard.Time()
	switch {
	case r.Revoked():
		return store.Revoked
	case now.After(r.NotAfter):
		return store.Expired
	case !now.Before(r.RenewAt) && r.RenewedBy == "":
		return store.Expiring
	}
	return store.Valid
}

// Chain is the certificate and those that lead to the root, without the root,
// in DER: what a TLS server sends.
func (s *Service) Chain(r *store.Record) [][]byte {
	return [][]byte{r.DER, s.issuing.Certificate.Raw}
}

// PEM writes certificates one below the other.
func PEM(ders ...[]byte) string {
	var b bytes.Buffer
	for _, der := range ders {
		// Writing to a Buffer does not fail.
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return b.String()
}

// BundleRequest asks for a certificate and its private key in one file.
type BundleRequest struct {
	ID string
	// Password encrypts the file.
	Password string
	// KeyPEM is the private key, unless the authority keeps it.
	KeyPEM string
	By     audit.Caller
}

// minPassword is the least length of a file's password, in bytes.
const minPassword = 8

// PKCS12 makes a PKCS #12 file of the certificate, its chain and its private
// key (PBES2 with AES-256, HMAC-SHA-256), for programs that want one file.
func (s *Service) PKCS12(ctx context.Context, r BundleRequest) ([]byte, error) {
	if len(r.Password) < minPassword {
		return nil, fault.Fields(fault.Field{Name: "password", Code: "too_short", Detail: fmt.Sprintf("The file holds a private key. Give a password of at least %d characters.", minPassword)})
	}
	record, err := s.Store.FindWhole(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(record.DER)
	if err != nil {
		return nil, fmt.Errorf("read a kept certificate: %w", err)
	}
	var file []byte
	err = s.heavy(ctx, func() error {
		key, err := s.privateKey(ctx, record, r)
		if err != nil {
			return err
		}
		chain := []*x509.Certificate{s.issuing.Certificate, s.Keys.RootCertificate()}
		if file, err = pkcs12.Modern.Encode(key, cert, chain, r.Password); err != nil {
			return fmt.Errorf("write PKCS #12: %w", err)
		}
		return nil
	})
	return file, err
}

// privateKey is the key from the request, or else the kept one, whose export is
// recorded before it leaves.
func (s *Service) privateKey(ctx context.Context, record *store.Record, r BundleRequest) (any, error) {
	if r.KeyPEM != "" {
		return matchingKey(record, r.KeyPEM)
	}
	sealed, err := s.Store.KeyOf(ctx, record.ID)
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		return nil, fault.Fields(fault.Field{Name: "private_key", Code: "required",
			Detail: "This authority does not have the private key. Send it with the request, or make the file where the key is: openssl pkcs12 -export -inkey key.pem -in chain.pem -out file.p12"})
	}
	pkcs8, err := s.Keys.Seal().Open(keptName(record.ID), sealed)
	if err != nil {
		return nil, fmt.Errorf("open a kept key: %w", err)
	}
	if err := s.Journal.Record(ctx, r.By, journal.KeyExported, record.ID, nil); err != nil {
		return nil, err
	}
	return x509.ParsePKCS8PrivateKey(pkcs8)
}

func matchingKey(record *store.Record, text string) (any, error) {
	wrong := func(code, detail string) error {
		return fault.Fields(fault.Field{Name: "private_key", Code: code, Detail: detail})
	}
	key, err := ParsePrivateKey(text)
	if err != nil {
		return nil, wrong("invalid_key", "This is not an unencrypted private key in PEM. Convert it with: openssl pkcs8 -topk8 -nocrypt -in key.pem")
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("marshal the public key: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(profile.KeyID(spki)), []byte(record.KeyID)) != 1 {
		return nil, wrong("other_key", "The private key does not belong to this certificate. Send the one that it was issued for.")
	}
	return key, nil
}
