package certificate

import (
	"context"
	"crypto/x509"
	"encoding/pem"
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

// The checks of a verification.
const (
	CheckChain       = "chain"
	CheckValidity    = "validity"
	CheckConstraints = "name_constraints"
	CheckUsage       = "key_usage"
	CheckRevocation  = "revocation"
	CheckName        = "name"
)

// VerifyRequest asks whether a certificate is good.
type VerifyRequest struct {
	// PEM is a certificate. Without it the newest one for Name is verified.
	PEM string
	// Name is a common name, an id or a serial number; beside PEM it is a name
	// for which the certificate must be good.
	Name string
	By   audit.Caller
}

// Check is the outcome of one check.
type Check struct {
	Name string
	OK   bool
	// Skipped says that it could not be made, because of what another check
	// found; it is not OK then.
	Skipped bool
	// Detail says in a sentence what was found.
	Detail string
}

// Verification is the outcome of all checks.
type Verification struct {
	Valid  bool
	Checks []Check
	// Certificate is what was verified; Record is nil when it is not ours.
	Certificate *x509.Certificate
	Record      *store.Record
}

// Verify checks a certificate. One that is not good is no error; it is recorded.
func (s *Service) Verify(ctx context.Context, r VerifyRequest) (*Verification, error) {
	v := &verifier{service: s, now: s.Guard.Time()}
	if err := v.load(ctx, r); err != nil {
		return nil, err
	}
	v.run(r)
	out := &Verification{Certificate: v.cert, Record: v.record, Checks: v.checks,
		Valid: !slices.ContainsFunc(v.checks, func(c Check) bool { return !c.OK })}
	if out.Valid {
		return out, nil
	}
	return out, s.Journal.Record(ctx, r.By, journal.VerificationFailed, shortSerial(v.cert), failures(v))
}

// shortSerial is the serial number of a certificate that anybody may have made,
// cut to a length that the log takes (RFC 5280 allows 20 bytes).
func shortSerial(c *x509.Certificate) string {
	text := store.SerialText(c.SerialNumber)
	return text[:min(len(text), 40)]
}

func failures(v *verifier) map[string]any {
	var failed []string
	for _, c := range v.checks {
		if !c.OK && !c.Skipped {
			failed = append(failed, c.Name)
		}
	}
	return map[string]any{"failed": failed, "common_name": v.cert.Subject.CommonName}
}

// verifier carries one verification.
type verifier struct {
	service *Service
	now     time.Time
	cert    *x509.Certificate
	record  *store.Record
	parents []*x509.Certificate // from the issuer to the root
	checks  []Check
}

// errSkipped is the outcome of a check that could not be made.
var errSkipped = errors.New("not checked: the signatures do not lead to this authority's root")

func (v *verifier) add(name string, err error, good string, args ...any) {
	if err != nil {
		v.checks = append(v.checks, Check{Name: name, Skipped: errors.Is(err, errSkipped), Detail: capital(strings.TrimPrefix(err.Error(), "x509: ")) + "."})
		return
	}
	v.checks = append(v.checks, Check{Name: name, OK: true, Detail: fmt.Sprintf(good, args...)})
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// load finds what to verify, and our record of it.
func (v *verifier) load(ctx context.Context, r VerifyRequest) (err error) {
	switch {
	case r.PEM != "":
		if v.cert, err = parsePEM(r.PEM); err != nil {
			return err
		}
		v.record, err = v.service.Store.Find(ctx, store.SerialText(v.cert.SerialNumber))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	case r.Name == "":
		return fault.Fields(fault.Field{Name: "certificate", Code: "required", Detail: "Give a certificate in PEM, or a common name."})
	}
	if v.record, err = v.service.byName(ctx, r.Name); err != nil {
		return err
	}
	v.cert, err = x509.ParseCertificate(v.record.DER)
	return err
}

// byName finds a certificate by common name, id or serial number.
func (s *Service) byName(ctx context.Context, name string) (*store.Record, error) {
	canonical := strings.TrimSpace(name)
	if n, err := profile.ParseName(name); err == nil {
		canonical = n.Value
	}
	r, err := s.Store.FindByName(ctx, canonical)
	if errors.Is(err, store.ErrNotFound) {
		r, err = s.Store.Lookup(ctx, name)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.NotFound, store.ErrNotFound.Code, "No certificate was issued for %q. Check the spelling, or send the certificate itself.", name)
	}
	return r, err
}

func parsePEM(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fault.Fields(fault.Field{Name: "certificate", Code: "invalid_pem", Detail: "This is not a certificate in PEM. Copy all of it, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."})
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fault.Fields(fault.Field{Name: "certificate", Code: "invalid_certificate", Detail: "The PEM text holds no readable certificate. It may be damaged; copy it again."})
	}
	return cert, nil
}

func (v *verifier) run(r VerifyRequest) {
	chain := v.chain()
	v.add(CheckChain, chain, "The signatures lead to this authority's root.")
	v.add(CheckValidity, v.validity(), "It is valid until %s.", v.cert.NotAfter.UTC().Format(time.RFC3339))
	if chain == nil { // the constraints are those of this authority's certificates
		v.add(CheckConstraints, v.constraints(), "Its names are within what this authority may certify.")
	}
	usages, err := v.usage()
	v.add(CheckUsage, err, "Its key may be used for %s.", usages)
	v.add(CheckRevocation, v.revocation(chain), "It is not revoked.")
	if r.PEM != "" && r.Name != "" {
		v.add(CheckName, v.name(r.Name), "It is good for %s.", r.Name)
	}
}

// chain checks the signatures from the certificate to the root.
func (v *verifier) chain() error {
	root, issuing := v.service.Keys.RootCertificate(), v.service.issuing.Certificate
	switch {
	case v.cert.Equal(root):
		return root.CheckSignatureFrom(root)
	case v.cert.CheckSignatureFrom(issuing) == nil:
		v.parents = []*x509.Certificate{issuing, root}
		return issuing.CheckSignatureFrom(root)
	case v.cert.CheckSignatureFrom(root) == nil:
		v.parents = []*x509.Certificate{root}
		return nil
	case v.cert.Issuer.String() == issuing.Subject.String():
		return errors.New("the certificate names this authority as its issuer, but the signature is not this authority's: it was forged or damaged")
	}
	return fmt.Errorf("the certificate is from another issuer, %s", v.cert.Issuer)
}

func (v *verifier) validity() error {
	for _, c := range append([]*x509.Certificate{v.cert}, v.parents...) {
		switch {
		case v.now.Before(c.NotBefore):
			return fmt.Errorf("%s is valid only from %s", c.Subject, c.NotBefore.UTC().Format(time.RFC3339))
		case v.now.After(c.NotAfter):
			return fmt.Errorf("%s expired at %s", c.Subject, c.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// constraints has the standard library match the names with the constraints of
// the whole chain, at a moment when everything was valid.
func (v *verifier) constraints() error {
	if len(v.parents) == 0 {
		return nil
	}
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: v.cert.NotAfter,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	o.Roots.AddCert(v.service.Keys.RootCertificate())
	for _, c := range v.parents {
		o.Intermediates.AddCert(c)
	}
	_, err := v.cert.Verify(o)
	return err
}

var usageNames = map[x509.ExtKeyUsage]string{x509.ExtKeyUsageServerAuth: "TLS servers", x509.ExtKeyUsageClientAuth: "TLS clients",
	x509.ExtKeyUsageEmailProtection: "e-mail", x509.ExtKeyUsageOCSPSigning: "status answers"}

// usage checks that the key usages are those of the certificate's profile.
func (v *verifier) usage() (string, error) {
	if v.cert.IsCA {
		if v.cert.KeyUsage&x509.KeyUsageCertSign == 0 {
			return "", errors.New("it is a certificate authority that may not sign certificates")
		}
		return "signing certificates", nil
	}
	if v.cert.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return "", errors.New("its key may not be used for signatures, which every TLS connection needs")
	}
	var names []string
	for _, u := range v.cert.ExtKeyUsage {
		if name, ok := usageNames[u]; ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", errors.New("it names no use that this authority knows")
	}
	if v.record != nil {
		if p, ok := v.service.Profiles.Get(v.record.Profile); ok && !slices.Equal(p.Usages, v.cert.ExtKeyUsage) {
			return "", fmt.Errorf("its uses are not those of the profile %s", p.Name)
		}
	}
	return strings.Join(names, " and "), nil
}

// revocation looks into the records, which say nothing of a certificate without
// a chain to the root.
func (v *verifier) revocation(chain error) error {
	switch {
	case chain != nil:
		return errSkipped
	case v.cert.IsCA:
		return nil
	case v.record == nil:
		return errors.New("this authority has no record of the serial number: it was not issued here")
	case !slices.Equal(v.record.DER, v.cert.Raw):
		return errors.New("this authority issued another certificate under the serial number")
	case v.record.Revoked():
		return fmt.Errorf("it was revoked at %s (%s)", v.record.RevokedAt.Format(time.RFC3339), ReasonName(v.record.Reason))
	}
	return nil
}

func (v *verifier) name(text string) error {
	n, err := profile.ParseName(text)
	if err != nil {
		return err
	}
	if n.Kind == profile.DNS || n.Kind == profile.IP {
		return v.cert.VerifyHostname(n.Value)
	}
	names := profile.NamesOf(v.cert.DNSNames, v.cert.IPAddresses, v.cert.EmailAddresses, v.cert.URIs)
	if !slices.Contains(names, n.String()) {
		return fmt.Errorf("it is not for %s", n.Value)
	}
	return nil
}
