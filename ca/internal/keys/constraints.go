package keys

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"guildhall/ca/internal/profile"
	"guildhall/platform/fault"
)

// agree refuses a policy that is not the one of the first start: it stands in
// the authority's certificates, and clients go by those.
func agree(p profile.Policy, authority *x509.Certificate) error {
	var wanted x509.Certificate
	p.Constrain(&wanted)
	var wrong []fault.Field
	differs := func(key, also, permits, configured string) {
		if permits != configured {
			wrong = append(wrong, fault.Field{Name: key, Code: "differs", Detail: fmt.Sprintf(
				"The certificate %q of this authority permits %s, but the configuration permits %s%s. Clients go by the certificate, which does not change. Put the old value back; for another one make a new authority, with a new data directory.",
				authority.Subject.CommonName, permits, configured, also)})
		}
	}
	differs("ca.permitted_domains", " (server.domain is one of them when there are any)", domains(authority), domains(&wanted))
	if len(wrong) == 0 {
		differs("ca.permitted_ips", " (loopback always)", networks(authority), networks(&wanted))
	}
	return fault.Fields(wrong...)
}

// domains are the permitted ones in order, without those below another, which
// add nothing: the process's own may change below one that is permitted.
func domains(c *x509.Certificate) string {
	all := slices.Clone(c.PermittedDNSDomains)
	all = slices.DeleteFunc(all, func(domain string) bool {
		return slices.ContainsFunc(c.PermittedDNSDomains, func(above string) bool { return strings.HasSuffix(domain, "."+above) })
	})
	return list(all, "every domain")
}

func networks(c *x509.Certificate) string {
	var all []string
	for _, n := range c.PermittedIPRanges {
		all = append(all, n.String())
	}
	return list(all, "every address")
}

func list(all []string, none string) string {
	if len(all) == 0 {
		return none
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
