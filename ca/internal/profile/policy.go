package profile

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"guildhall/platform/fault"
)

// Policy is which names the authority certifies at all.
type Policy struct {
	// Permitted domains and all below them; empty permits every domain.
	// InternalDomain is always permitted.
	Permitted []string
	// Excluded domains and all below them are refused even when permitted.
	Excluded []string
	// PermittedIPs are the addresses allowed beside loopback ones when Permitted
	// is not empty.
	PermittedIPs []netip.Prefix
}

// PolicyText is a policy as the configuration writes it.
type PolicyText struct {
	// Permitted and Excluded are domains, PermittedIPs networks ("10.0.0.0/8").
	Permitted, Excluded, PermittedIPs []string
	// Always are domains that are permitted whatever Permitted says, such as
	// that of the process's own hosts.
	Always []string
}

// NewPolicy reads the configuration. Its error names the keys that are wrong.
func NewPolicy(t PolicyText) (Policy, error) {
	var p Policy
	var wrong []fault.Field
	p.Permitted, wrong = domains("ca.permitted_domains", t.Permitted, wrong)
	p.Excluded, wrong = domains("ca.excluded_domains", t.Excluded, wrong)
	for i, text := range t.PermittedIPs {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			wrong = append(wrong, fault.Field{Name: fmt.Sprintf("ca.permitted_ips[%d]", i), Code: "invalid",
				Detail: fmt.Sprintf("%q is not a network. Write one such as 10.0.0.0/8.", text)})
			continue
		}
		p.PermittedIPs = append(p.PermittedIPs, prefix.Masked())
	}
	if len(p.Permitted) > 0 {
		p.Permitted = append(p.Permitted, append(t.Always, InternalDomain)...)
		slices.Sort(p.Permitted)
		p.Permitted = slices.Compact(p.Permitted)
	}
	return p, fault.Fields(wrong...)
}

func domains(key string, texts []string, wrong []fault.Field) ([]string, []fault.Field) {
	var hosts []string
	for i, text := range texts {
		host, err := parseHost(text)
		if err != nil {
			wrong = append(wrong, fault.Field{Name: fmt.Sprintf("%s[%d]", key, i), Code: "invalid", Detail: sentence(err)})
			continue
		}
		hosts = append(hosts, host)
	}
	return hosts, wrong
}

// check says in a sentence why the policy refuses a name, or nil.
func (p Policy) check(n Name) error {
	if n.Kind == IP {
		return p.checkIP(n)
	}
	host := n.Host()
	for _, domain := range p.Excluded {
		// A wildcard just above an excluded domain would cover it.
		if below(host, domain) || n.Wildcard() && below(domain, host) {
			return refuse("excluded", n.Value, "%q is excluded by policy (ca.excluded_domains: %s): choose another name", n.Value, domain)
		}
	}
	if len(p.Permitted) == 0 {
		return nil
	}
	for _, domain := range p.Permitted {
		if below(host, domain) {
			return nil
		}
	}
	return refuse("domain", n.Value, "%q is outside the domains that this authority may certify (ca.permitted_domains): choose a name below one of them", n.Value)
}

func (p Policy) checkIP(n Name) error {
	addr, err := netip.ParseAddr(n.Value)
	if err != nil || len(p.Permitted) == 0 || addr.IsLoopback() {
		return err
	}
	for _, prefix := range p.PermittedIPs {
		if prefix.Contains(addr) {
			return nil
		}
	}
	return refuse("network", n.Value, "%q is outside the networks that this authority may certify (ca.permitted_ips): choose another address or a host name", n.Value)
}

// Constrain writes the permitted names into the template of a certificate
// authority (RFC 5280, section 4.2.1.10), so that every client enforces them.
// Without permitted domains there is no constraint.
func (p Policy) Constrain(t *x509.Certificate) {
	if len(p.Permitted) == 0 {
		return
	}
	t.PermittedDNSDomainsCritical = true
	t.PermittedDNSDomains = slices.Clone(p.Permitted)
	for _, domain := range p.Permitted {
		// In these two forms a bare host means that host alone, a leading dot
		// all below it.
		t.PermittedEmailAddresses = append(t.PermittedEmailAddresses, domain, "."+domain)
		t.PermittedURIDomains = append(t.PermittedURIDomains, domain, "."+domain)
	}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, prefix := range append(loopback, p.PermittedIPs...) {
		t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{
			IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())})
	}
}
