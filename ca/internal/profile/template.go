package profile

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// Backdate is how long before the moment of signing a certificate begins to be
// valid, for clients whose clocks are a little behind.
const Backdate = time.Minute

// Addresses are where a certificate's reader finds its issuer and its status;
// they go into every certificate.
type Addresses struct {
	// Base is the plain HTTP address without final slash.
	Base string
}

// IssuingCRL is the revocation list of the issuing certificate.
func (a Addresses) IssuingCRL() string { return a.Base + "/crl/issuing.crl" }

// RootCRL is the revocation list of the root.
func (a Addresses) RootCRL() string { return a.Base + "/crl/root.crl" }

// OCSP is the responder (RFC 6960).
func (a Addresses) OCSP() string { return a.Base + "/ocsp" }

// IssuingCertificate is the issuing certificate in DER.
func (a Addresses) IssuingCertificate() string { return a.Base + "/ca/issuing.cer" }

// RootCertificate is the root certificate in DER.
func (a Addresses) RootCertificate() string { return a.Base + "/ca/root.cer" }

// Serial makes a serial number of 128 random bits (RFC 5280, section 4.1.2.2).
// The first byte is not zero, so that its text has always 32 digits.
func Serial() *big.Int {
	var b [16]byte
	for b[0] == 0 {
		_, _ = rand.Read(b[:])
	}
	return new(big.Int).SetBytes(b[:])
}

// SerialText is how serial numbers are written everywhere: lower-case hex.
func SerialText(serial *big.Int) string { return hex.EncodeToString(serial.Bytes()) }

// Template is the certificate to sign for the subject. notAfter is bounded by
// the issuer's own end.
func (p Profile) Template(s Subject, public crypto.PublicKey, now time.Time, a Addresses) (*x509.Certificate, error) {
	keyID, err := subjectKeyID(public)
	if err != nil {
		return nil, err
	}
	notBefore := now.Add(-Backdate).Truncate(time.Second)
	t := &x509.Certificate{
		SerialNumber: Serial(),
		Subject:      pkix.Name{CommonName: s.CommonName},
		NotBefore:    notBefore,
		// Both ends belong to the validity (RFC 5280, section 4.1.2.5).
		NotAfter:              notBefore.Add(s.Lifetime - time.Second),
		KeyUsage:              keyUsage(public),
		ExtKeyUsage:           p.Usages,
		BasicConstraintsValid: true,
		SubjectKeyId:          keyID,
		IssuingCertificateURL: []string{a.IssuingCertificate()},
	}
	if p.Name == OCSP {
		t.ExtraExtensions = []pkix.Extension{noCheck}
	} else {
		t.OCSPServer = []string{a.OCSP()}
		t.CRLDistributionPoints = []string{a.IssuingCRL()}
	}
	return t, addNames(t, s.Names)
}

// noCheck tells clients not to ask for the status of the responder's own
// certificate (RFC 6960, section 4.2.2.2.1); it lives a few days.
var noCheck = pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}

// keyUsage is the right one for the key: only RSA keys encrypt.
func keyUsage(public crypto.PublicKey) x509.KeyUsage {
	if _, ok := public.(*rsa.PublicKey); ok {
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	return x509.KeyUsageDigitalSignature
}

func addNames(t *x509.Certificate, names []Name) error {
	for _, n := range names {
		switch n.Kind {
		case DNS:
			t.DNSNames = append(t.DNSNames, n.Value)
		case Email:
			t.EmailAddresses = append(t.EmailAddresses, n.Value)
		case IP:
			addr, err := netip.ParseAddr(n.Value)
			if err != nil {
				return fmt.Errorf("read a checked address: %w", err)
			}
			t.IPAddresses = append(t.IPAddresses, net.IP(addr.AsSlice()))
		case URI:
			u, err := url.Parse(n.Value)
			if err != nil {
				return fmt.Errorf("read a checked URI: %w", err)
			}
			t.URIs = append(t.URIs, u)
		}
	}
	return nil
}

// NamesOf reads the alternative names of a certificate or request back.
func NamesOf(dns []string, ips []net.IP, emails []string, uris []*url.URL) []string {
	var names []string
	for _, n := range dns {
		names = append(names, Name{DNS, n}.String())
	}
	for _, ip := range ips {
		names = append(names, Name{IP, ip.String()}.String())
	}
	for _, e := range emails {
		names = append(names, Name{Email, e}.String())
	}
	for _, u := range uris {
		names = append(names, Name{URI, u.String()}.String())
	}
	return names
}
