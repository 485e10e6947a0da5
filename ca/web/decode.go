package web

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"strings"

	"guildhall/ca/internal/profile"
)

// extension is one extension of a certificate, read.
type extension struct {
	OID      string
	Critical bool
	Lines    []string
}

// extensions reads those of a certificate, in their order (RFC 5280, section
// 4.2). What is not known is shown as its bytes.
func extensions(c *x509.Certificate) []extension {
	list := make([]extension, 0, len(c.Extensions))
	for _, e := range c.Extensions {
		list = append(list, extension{OID: e.Id.String(), Critical: e.Critical, Lines: linesOf(c, e)})
	}
	return list
}

func linesOf(c *x509.Certificate, e pkix.Extension) []string {
	switch e.Id.String() {
	case "2.5.29.15":
		return keyUsages(c.KeyUsage)
	case "2.5.29.37":
		return extendedUsages(c)
	case "2.5.29.19":
		return []string{fmt.Sprintf("CA: %t", c.IsCA)}
	case "2.5.29.14":
		return []string{colons(c.SubjectKeyId)}
	case "2.5.29.35":
		return []string{colons(c.AuthorityKeyId)}
	case "2.5.29.17":
		return profile.NamesOf(c.DNSNames, c.IPAddresses, c.EmailAddresses, c.URIs)
	case "2.5.29.31":
		return c.CRLDistributionPoints
	case "1.3.6.1.5.5.7.1.1":
		return authorityAccess(c)
	case "1.3.6.1.5.5.7.48.1.5":
		return nil
	}
	return []string{hex.EncodeToString(e.Value)}
}

func authorityAccess(c *x509.Certificate) []string {
	var lines []string
	for _, u := range c.OCSPServer {
		lines = append(lines, "OCSP "+u)
	}
	for _, u := range c.IssuingCertificateURL {
		lines = append(lines, "CA issuers "+u)
	}
	return lines
}

// keyUsages are RFC 5280's names (section 4.2.1.3), in the order of the bits.
func keyUsages(u x509.KeyUsage) []string {
	names := []string{"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign",
		"cRLSign", "encipherOnly", "decipherOnly"}
	var on []string
	for bit, name := range names {
		if u&(1<<bit) != 0 {
			on = append(on, name)
		}
	}
	return on
}

func extendedUsages(c *x509.Certificate) []string {
	var names []string
	for _, u := range c.ExtKeyUsage {
		names = append(names, usageName(u))
	}
	for _, oid := range c.UnknownExtKeyUsage {
		names = append(names, oid.String())
	}
	return names
}

func usageName(u x509.ExtKeyUsage) string {
	switch u {
	case x509.ExtKeyUsageServerAuth:
		return "serverAuth"
	case x509.ExtKeyUsageClientAuth:
		return "clientAuth"
	case x509.ExtKeyUsageEmailProtection:
		return "emailProtection"
	case x509.ExtKeyUsageOCSPSigning:
		return "OCSPSigning"
	}
	return fmt.Sprintf("usage %d", u)
}

// colons writes bytes as certificate tools do: "4F:A3:02".
func colons(b []byte) string {
	parts := make([]string, len(b))
	for i, x := range b {
		parts[i] = fmt.Sprintf("%02X", x)
	}
	return strings.Join(parts, ":")
}

// title is what an extension is called in the reader's language.
func (e extension) title(ctx context.Context) string {
	return known(ctx, "ca.ext."+strings.ReplaceAll(e.OID, ".", "_"), e.OID)
}
