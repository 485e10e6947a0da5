package directory

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
)

// The values of Settings.Trust.
const (
	// TrustKnown trusts our own authority and those that the operating system trusts.
	TrustKnown = "known"
	// TrustGiven trusts the certificates in Settings.CA alone.
	TrustGiven = "given"
)

// The values of Settings.Welcome.
const (
	// WelcomePassword mails a generated password.
	WelcomePassword = "password"
	// WelcomeLink mails a link with which to set one.
	WelcomeLink = "link"
)

const (
	maxServers = 5
	maxText    = 1000
	maxCA      = 64 << 10
)

// Settings are what an administrator decides, but for the password.
type Settings struct {
	// Servers are tried in this order: "ldaps://dc1.example.com", or "ldap://..."
	// for STARTTLS.
	Servers []string `json:"servers"`
	// Plain speaks ldap:// without TLS: to loopback addresses in development alone.
	Plain bool   `json:"plain,omitempty"`
	Trust string `json:"trust"`
	// CA is PEM.
	CA string `json:"ca,omitempty"`
	// BindDN is the account that reads: a DN, or in Active Directory also
	// name@domain.
	BindDN  string `json:"bind_dn"`
	BaseDN  string `json:"base_dn"`
	GroupDN string `json:"group_dn"`
	// Minutes is how long after one run the next begins.
	Minutes int `json:"minutes"`
	// Limit is how many percent of the imported accounts one run may disable.
	Limit   int    `json:"limit"`
	Welcome string `json:"welcome"`
	// SignIn checks passwords of imported people against the directory.
	SignIn bool `json:"sign_in"`
	// Language is that of new people, unless the directory knows theirs.
	Language string `json:"language"`
}

// DefaultSettings are what the form begins with.
func DefaultSettings() Settings {
	return Settings{Trust: TrustKnown, Minutes: 15, Limit: 20, Welcome: WelcomePassword, Language: i18n.Languages()[0].Code}
}

// Trusts are the values of Settings.Trust.
func Trusts() []string { return []string{TrustKnown, TrustGiven} }

// Welcomes are the values of Settings.Welcome.
func Welcomes() []string { return []string{WelcomePassword, WelcomeLink} }

type fields []fault.Field

func (f *fields) add(name, code, format string, args ...any) {
	*f = append(*f, fault.Field{Name: name, Code: code, Detail: fmt.Sprintf(format, args...)})
}

// clean is the settings as they are kept, or a fault that names each wrong field
// by its JSON name.
func (s Settings) clean(production bool) (Settings, error) {
	var wrong fields
	if len(s.Servers) == 0 || len(s.Servers) > maxServers {
		wrong.add("servers", "directory_servers", "Give one to five servers, one a line.")
	}
	for _, server := range s.Servers {
		s.checkServer(&wrong, server, production)
	}
	if !slices.Contains(Trusts(), s.Trust) {
		wrong.add("trust", "not_offered", "Choose one of: %s.", strings.Join(Trusts(), ", "))
	}
	if s.Trust != TrustGiven {
		s.CA = ""
	} else if _, err := parseCA(s.CA); err != nil {
		wrong.add("ca", "directory_ca", "Paste the authority's certificates as PEM, from BEGIN CERTIFICATE to END CERTIFICATE.")
	}
	if s.BindDN == "" || len(s.BindDN) > maxText {
		wrong.add("bind_dn", "required", "Fill in this field.")
	}
	s.checkNames(&wrong)
	if s.Minutes < 5 || s.Minutes > 24*60 {
		wrong = append(wrong, fault.Field{Name: "minutes", Code: "out_of_range", Args: map[string]any{"Min": 5, "Max": 24 * 60}, Detail: "Enter a whole number from 5 to 1440."})
	}
	if s.Limit < 1 || s.Limit > 100 {
		wrong = append(wrong, fault.Field{Name: "limit", Code: "out_of_range", Args: map[string]any{"Min": 1, "Max": 100}, Detail: "Enter a whole number from 1 to 100."})
	}
	if !slices.Contains(Welcomes(), s.Welcome) {
		wrong.add("welcome", "not_offered", "Choose one of: %s.", strings.Join(Welcomes(), ", "))
	}
	if !slices.ContainsFunc(i18n.Languages(), func(l i18n.Language) bool { return l.Code == s.Language }) {
		wrong.add("language", "not_offered", "Choose one of: %s.", i18n.Codes())
	}
	return s, fault.Fields(wrong...)
}

func (s Settings) checkNames(wrong *fields) {
	for _, f := range []struct{ name, dn string }{{"base_dn", s.BaseDN}, {"group_dn", s.GroupDN}} {
		if dn, err := ldap.ParseDN(f.dn); err != nil || len(dn.RDNs) == 0 || len(f.dn) > maxText {
			wrong.add(f.name, "directory_dn", "Write a distinguished name, such as OU=Staff,DC=example,DC=com.")
		}
	}
}

func (s Settings) checkServer(wrong *fields, server string, production bool) {
	u, err := parseServer(server)
	if err != nil {
		wrong.add("servers", "directory_server", "%q is no address of a server. Write one such as ldaps://dc1.example.com.", server)
		return
	}
	if s.Plain && u.Scheme == "ldap" && (production || !loopback(u.Hostname())) {
		wrong.add("plain", "directory_plain", "Without TLS everybody on the way reads the passwords. It is allowed in development to this machine alone.")
	}
}

// parseServer takes ldap:// and ldaps:// with a host, perhaps a port, and nothing
// else.
func parseServer(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	host := u.Hostname()
	if u.Scheme != "ldap" && u.Scheme != "ldaps" || host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" || len(text) > maxText {
		return nil, errors.New("this is no address of an LDAP server")
	}
	return u, nil
}

// endpoint is host and port of a server.
func endpoint(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "ldaps":
		port = "636"
	default:
		port = "389"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// parseCA reads PEM certificates, and nothing else.
func parseCA(text string) (all []*x509.Certificate, err error) {
	if len(text) > maxCA {
		return nil, errors.New("the text is too long")
	}
	for rest := []byte(strings.TrimSpace(text)); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if all = append(all, cert); len(strings.TrimSpace(string(rest))) == 0 {
			return all, nil
		}
	}
	return nil, errors.New("this is not PEM of certificates")
}

// reads says whether the settings read other people than the others do, so that a
// dry run has to show whom.
func (s Settings) reads(o Settings) bool {
	return !slices.Equal(s.Servers, o.Servers) || !sameDN(s.BaseDN, o.BaseDN) || !sameDN(s.GroupDN, o.GroupDN)
}

func sameDN(a, b string) bool {
	x, err := ldap.ParseDN(a)
	if err != nil {
		return a == b
	}
	y, err := ldap.ParseDN(b)
	return err == nil && x.EqualFold(y)
}

func (s Settings) interval() time.Duration { return time.Duration(s.Minutes) * time.Minute }
