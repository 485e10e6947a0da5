// Package profile holds what a kind of certificate may be: its names, its keys,
// its uses and its lifetime. Everything that is refused is refused here, before
// anything is signed.
package profile

import (
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"time"

	"guildhall/platform/config"
	"guildhall/platform/fault"
)

// The names of the profiles.
const (
	// Service is for a guildhall service among its peers: a name under
	// InternalDomain, given only by enrolment.
	Service = "service"
	// Server is for a TLS server.
	Server = "server"
	// Client is for a program or device that signs in by TLS.
	Client = "client"
	// User is for a person: e-mail and sign-in.
	User = "user"
	// OCSP is for the responder that signs status answers (RFC 6960).
	OCSP = "ocsp"
)

// MinLifetime is the shortest life of a certificate.
const MinLifetime = 5 * time.Minute

// Profile is one kind of certificate.
type Profile struct {
	Name string
	// Lifetime is how long a certificate lives when the request does not say;
	// MaxLifetime is the most that a request may ask for.
	Lifetime, MaxLifetime time.Duration
	// Usages are the extended key usages.
	Usages []x509.ExtKeyUsage
	// Kinds are the kinds of name it takes; Needs is one that must be there.
	Kinds []Kind
	Needs Kind
	// Wildcards says whether "*.example.com" is allowed.
	Wildcards bool
	// FreeSubject allows a common name that is not a host name, such as that of
	// a person, and that is then no alternative name.
	FreeSubject bool
	// Internal names are those under InternalDomain, and only those.
	Internal bool
}

// Lifetimes are the lifetimes of one profile in the configuration; zero keeps
// the default.
type Lifetimes struct{ Default, Max time.Duration }

const day = 24 * time.Hour

func defaults() []Profile {
	return []Profile{
		{Name: Service, Lifetime: day, MaxLifetime: day, Internal: true, Kinds: []Kind{DNS}, Needs: DNS,
			Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}},
		{Name: Server, Lifetime: 90 * day, MaxLifetime: 398 * day, Kinds: []Kind{DNS, IP}, Wildcards: true,
			Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
		{Name: Client, Lifetime: 90 * day, MaxLifetime: 398 * day, Kinds: []Kind{DNS, IP, Email, URI}, FreeSubject: true,
			Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
		{Name: User, Lifetime: 365 * day, MaxLifetime: 398 * day, Kinds: []Kind{Email, URI}, Needs: Email, FreeSubject: true,
			Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageEmailProtection}},
		{Name: OCSP, Lifetime: 7 * day, MaxLifetime: 7 * day, FreeSubject: true,
			Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}},
	}
}

// Set is all profiles and the policy that holds for each.
type Set struct {
	Policy   Policy
	profiles map[string]Profile
}

// NewSet makes the profiles with the configured lifetimes. Its error names the
// configuration key.
func NewSet(policy Policy, lifetimes map[string]Lifetimes) (*Set, error) {
	s := &Set{Policy: policy, profiles: map[string]Profile{}}
	var wrong []fault.Field
	for _, p := range defaults() {
		l := lifetimes[p.Name]
		if l.Max != 0 {
			p.MaxLifetime = l.Max
			p.Lifetime = min(p.Lifetime, l.Max)
		}
		if l.Default != 0 {
			p.Lifetime = l.Default
		}
		if p.Lifetime < MinLifetime || p.Lifetime > p.MaxLifetime {
			wrong = append(wrong, fault.Field{Name: "ca.profiles." + p.Name + ".lifetime", Code: "invalid",
				Detail: fmt.Sprintf("The lifetime is %s. Set it between %s and max_lifetime, %s.", Duration(p.Lifetime), Duration(MinLifetime), Duration(p.MaxLifetime))})
		}
		s.profiles[p.Name] = p
	}
	for name := range lifetimes {
		if _, ok := s.profiles[name]; !ok {
			wrong = append(wrong, fault.Field{Name: "ca.profiles." + name, Code: "unknown", Detail: "There is no such profile."})
		}
	}
	return s, fault.Fields(wrong...)
}

// Get is a profile by its name.
func (s *Set) Get(name string) (Profile, bool) {
	p, ok := s.profiles[name]
	return p, ok
}

// Names are the names of all profiles, in order.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.profiles)) }

// Requestable are the profiles that an administrator can ask for, by name.
func (s *Set) Requestable() []Profile {
	var all []Profile
	for _, name := range slices.Sorted(maps.Keys(s.profiles)) {
		if p := s.profiles[name]; p.Requestable() {
			all = append(all, p)
		}
	}
	return all
}

// Requestable says whether an administrator can ask for the profile; the others
// are given by the authority's own procedures.
func (p Profile) Requestable() bool { return p.Name != Service && p.Name != OCSP }

// Duration writes a length of time as the configuration reads it: "90d", "24h".
func Duration(d time.Duration) string { return config.Duration(d).String() }
