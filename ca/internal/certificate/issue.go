package certificate

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// IssueRequest asks for a certificate.
type IssueRequest struct {
	// Profile is a requestable profile; empty is "server".
	Profile string
	// CommonName and Names say whom it is for. Without both, those of the CSR
	// are taken; otherwise the CSR's are ignored.
	CommonName string
	Names      []string
	// Lifetime is zero for the profile's default.
	Lifetime time.Duration
	// CSR is a request in PEM or DER. Without one the authority makes a key of
	// the type KeyType and hands it over, once.
	CSR     []byte
	KeyType profile.KeyType
	// KeepKey has the CA-made key kept, sealed, where the configuration allows.
	KeepKey bool
	// Reuse returns a valid certificate for the same profile and names (and the
	// same key, with a CSR) instead of a new one, if there is one that is not
	// expiring yet.
	Reuse bool
	// As is the new certificate's id, from NewID; with one that a certificate
	// has already, nothing is issued. Empty draws one.
	As string
	By audit.Caller
}

// Issued is a certificate that left the authority.
type Issued struct {
	Record *store.Record
	// KeyPEM is the CA-made private key (PKCS #8), only here and only now.
	KeyPEM string
	// Reused says that it was issued before.
	Reused bool
}

// Issue issues a certificate to an administrator. A refusal is recorded.
func (s *Service) Issue(ctx context.Context, r IssueRequest) (*Issued, error) {
	issued, err := s.issue(ctx, r)
	if err != nil && !errors.Is(err, ErrIssuedBefore) { // which asks for nothing new
		return nil, s.Journal.Refused(ctx, r.By, journal.IssueRefused, subjectOf(r), err)
	}
	return issued, err
}

func subjectOf(r IssueRequest) string {
	if r.CommonName == "" && len(r.Names) > 0 {
		return r.Names[0]
	}
	return r.CommonName
}

func (s *Service) issue(ctx context.Context, r IssueRequest) (*Issued, error) {
	if err := s.unused(ctx, r.As); err != nil {
		return nil, err
	}
	p, err := s.requestable(r.Profile)
	if err != nil {
		return nil, err
	}
	d := draft{profile: p, by: r.By, action: journal.Issued, keepKey: r.KeepKey, as: r.As}
	asked := profile.Request{CommonName: r.CommonName, Names: r.Names, Lifetime: r.Lifetime}
	if len(r.CSR) > 0 {
		err = d.useCSR(r.CSR, &asked)
	} else {
		err = s.allowKeeping(r.KeepKey)
	}
	if err != nil {
		return nil, err
	}
	if d.subject, err = s.Profiles.Check(p, asked); err != nil {
		return nil, err
	}
	if r.Reuse {
		found, err := s.same(ctx, &d)
		if found != nil || err != nil {
			return found, err
		}
	}
	if d.public == nil {
		if err := s.makeKey(ctx, &d, r.KeyType); err != nil {
			return nil, err
		}
	}
	return s.sign(ctx, &d)
}

func (s *Service) requestable(name string) (profile.Profile, error) {
	if name == "" {
		name = profile.Server
	}
	p, ok := s.Profiles.Get(name)
	if ok && p.Requestable() {
		return p, nil
	}
	var names []string
	for _, p := range s.Profiles.Requestable() {
		names = append(names, p.Name)
	}
	detail := fmt.Sprintf("There is no profile %q. Use one of %s.", name, strings.Join(names, ", "))
	if ok {
		detail = fmt.Sprintf("Certificates of the profile %s are not issued on request. Use one of %s.", name, strings.Join(names, ", "))
		if name == profile.Service {
			detail += " A service gets its own by enrolment with a join token."
		}
	}
	return p, fault.Fields(fault.Field{Name: "profile", Code: "unknown_profile", Detail: detail})
}

func (s *Service) allowKeeping(keep bool) error {
	if keep && !s.KeepKeys {
		return fault.Fields(fault.Field{Name: "keep_key", Code: "not_allowed",
			Detail: "This authority keeps no private keys. Take the key from the answer, or set ca.keep_keys in the configuration."})
	}
	return nil
}

// useCSR takes the key of a request, and its names if none were asked for.
func (d *draft) useCSR(data []byte, asked *profile.Request) error {
	if d.keepKey {
		return fault.Fields(fault.Field{Name: "keep_key", Code: "no_key", Detail: "With a CSR the private key stays with you. Leave keep_key out."})
	}
	c, err := parseCSR(data)
	if err != nil {
		return err
	}
	d.certify(c)
	if asked.CommonName == "" && len(asked.Names) == 0 {
		asked.CommonName, asked.Names = c.commonName, c.names
	}
	return nil
}

// makeKey makes a private key for the requester.
func (s *Service) makeKey(ctx context.Context, d *draft, t profile.KeyType) error {
	if t == "" {
		t = profile.ECDSAP256
	}
	key, err := s.newKey(ctx, t)
	if err != nil {
		if slices.Contains(profile.KeyTypes(), t) {
			return fmt.Errorf("make a key: %w", err)
		}
		return fault.Fields(fault.Field{Name: "key_type", Code: "unknown_key_type", Detail: "The key type is wrong: " + err.Error() + "."})
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("marshal the public key: %w", err)
	}
	d.private, d.public, d.keyType, d.keyID = key, key.Public(), t, profile.KeyID(spki)
	return nil
}

func (s *Service) newKey(ctx context.Context, t profile.KeyType) (key crypto.Signer, err error) {
	if !strings.HasPrefix(string(t), "rsa") {
		return profile.NewKey(t)
	}
	err = s.heavy(ctx, func() error {
		key, err = profile.NewKey(t)
		return err
	})
	return key, err
}

// same is a certificate that makes a new one needless, or nil.
func (s *Service) same(ctx context.Context, d *draft) (*Issued, error) {
	now, err := s.Guard.Now()
	if err != nil {
		return nil, err
	}
	r, err := s.Store.FindSame(ctx, store.Same{Profile: d.profile.Name, CommonName: d.subject.CommonName,
		Names: texts(d.subject.Names), KeyID: d.keyID, At: now})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Issued{Record: r, Reused: true}, nil
}

func texts(names []profile.Name) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = n.String()
	}
	return all
}
