package profile

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// InternalDomain is the parent of the names by which services know each other.
const InternalDomain = "guildhall.internal"

// Kind is a kind of subject alternative name (RFC 5280, section 4.2.1.6).
type Kind string

// The kinds of name that a certificate can be for.
const (
	DNS   Kind = "dns"
	IP    Kind = "ip"
	Email Kind = "email"
	URI   Kind = "uri"
)

// Name is one subject alternative name in canonical form: lower case, A-labels,
// shortest IP notation.
type Name struct {
	Kind  Kind
	Value string
}

// String is the text form that ParseName reads back: "dns:shop.example.com".
func (n Name) String() string { return string(n.Kind) + ":" + n.Value }

// Wildcard says whether the name is for all hosts of a domain.
func (n Name) Wildcard() bool { return n.Kind == DNS && strings.HasPrefix(n.Value, "*.") }

// Internal says whether the name's host is InternalDomain or below it.
func (n Name) Internal() bool { return below(n.Host(), InternalDomain) }

const maxName = 2000 // characters of any name; a host name has at most 253

// ParseName reads a name with its kind before it ("ip:10.0.0.1") or guesses the
// kind: with "://" a URI, with "@" an e-mail address, then an IP address, then a
// host name. The error is a sentence that says what to do.
func ParseName(text string) (Name, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Name{}, refuse("empty", text, "the name is empty: write a host name, an IP address, an e-mail address or a URI")
	case len(text) > maxName:
		return Name{}, refuse("long", "", "the name is longer than %d characters: shorten it", maxName)
	}
	kind, value := guess(text)
	parse := map[Kind]func(string) (string, error){DNS: parseDNS, IP: parseIP, Email: parseEmail, URI: parseURI}[kind]
	canonical, err := parse(value)
	return Name{Kind: kind, Value: canonical}, err
}

func guess(text string) (Kind, string) {
	if prefix, rest, ok := strings.Cut(text, ":"); ok {
		switch kind := Kind(strings.ToLower(prefix)); kind {
		case DNS, IP, Email, URI:
			return kind, strings.TrimSpace(rest)
		}
	}
	switch {
	case strings.Contains(text, "://"), strings.HasPrefix(strings.ToLower(text), "urn:"):
		return URI, text
	case strings.Contains(text, "@"):
		return Email, text
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return IP, text
	}
	return DNS, text
}

// hosts maps a host name to its A-labels (RFC 5891) and checks every label.
var hosts = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(true), idna.CheckJoiners(true),
	idna.StrictDomainName(true), idna.Transitional(false), idna.ValidateLabels(true), idna.VerifyDNSLength(true))

func parseDNS(text string) (string, error) {
	rest, wildcard := strings.CutPrefix(text, "*.")
	if wildcard && !strings.Contains(rest, ".") {
		return "", refuse("star_tld", text, "%q would cover a whole top-level domain: put at least two labels after the star, as in *.example.com", text)
	}
	host, err := parseHost(rest)
	if err != nil {
		return "", err
	}
	if wildcard {
		host = "*." + host
	}
	return host, nil
}

func parseHost(text string) (string, error) {
	if strings.Contains(text, "*") {
		return "", refuse("star_place", text, "%q has a star in a wrong place: a wildcard stands alone as the first label, as in *.example.com", text)
	}
	if strings.HasSuffix(text, ".") {
		return "", refuse("dot", text, "%q ends with a dot: leave the dot out", text)
	}
	host, err := hosts.ToASCII(text)
	if err == nil {
		// Bytes that are no text become an A-label that stands for none.
		_, err = hosts.ToASCII(host)
	}
	if err != nil {
		return "", refuse("host", text, "%q is not a host name: use letters, digits and hyphens in labels of at most 63 characters, 253 in all", text)
	}
	if number(host[strings.LastIndexByte(host, '.')+1:]) {
		return "", refuse("number", text, "%q is neither a host name nor an IP address: its last label is a number, and browsers would read the name as an address. Write an address such as 10.0.0.1, or a name that ends with a word", text)
	}
	return host, nil
}

// number says whether a host with the last label would be read as an IPv4
// address (WHATWG URL, "ends in a number checker"): decimal, octal or 0x with
// hexadecimal digits, which may be none.
func number(label string) bool {
	digits, hex := strings.CutPrefix(label, "0x")
	return hex && strings.Trim(digits, "0123456789abcdef") == "" || strings.Trim(label, "0123456789") == ""
}

func parseIP(text string) (string, error) {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil || addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() {
		return "", refuse("ip", text, "%q is not the IP address of a machine: write one such as 10.0.0.1 or 2001:db8::1, without mask or zone", text)
	}
	return addr.Unmap().String(), nil
}

// parseEmail takes a mailbox with an ASCII local part (RFC 5280, section
// 4.2.1.6); the host becomes A-labels in lower case (RFC 8398 not needed).
func parseEmail(text string) (string, error) {
	local, host, _ := strings.Cut(text, "@")
	if local == "" || len(local) > 64 || strings.ContainsFunc(local, notAtext) || strings.HasPrefix(local, ".") ||
		strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return "", refuse("email", text, "%q is not an e-mail address: write one such as jan@example.com", text)
	}
	host, err := parseHost(host)
	if err != nil {
		return "", fmt.Errorf("the part after @ is wrong: %w", err)
	}
	return local + "@" + host, nil
}

// notAtext says whether r may not stand in a dot-atom (RFC 5322, section 3.2.3).
func notAtext(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r)
}

// parseURI takes an absolute URI with a host name (RFC 5280, section 4.2.1.6,
// and the rule for name constraints in 4.2.1.10) or a urn.
func parseURI(text string) (string, error) {
	wrong := refuse("uri", text, "%q is not an absolute URI in ASCII: write one such as https://example.com/device/7 or urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", text)
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.User != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", wrong
	}
	if u.Scheme == "urn" && u.Opaque != "" {
		return u.String(), nil
	}
	host, err := parseHost(u.Hostname())
	if err != nil || u.Opaque != "" {
		return "", wrong
	}
	u.Host = strings.Replace(u.Host, u.Hostname(), host, 1)
	return u.String(), nil
}

// below says whether host is the domain or a name below it.
func below(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// Host is the host part that domain rules apply to; empty for a kind without.
func (n Name) Host() string {
	switch n.Kind {
	case DNS:
		return strings.TrimPrefix(n.Value, "*.")
	case Email:
		return n.Value[strings.LastIndexByte(n.Value, '@')+1:]
	case URI:
		if u, err := url.Parse(n.Value); err == nil {
			return u.Hostname()
		}
	}
	return ""
}
