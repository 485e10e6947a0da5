package ca

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"guildhall/ca/internal/clock"
	"guildhall/ca/internal/crl"
	"guildhall/ca/internal/feed"
	"guildhall/ca/internal/profile"
	"guildhall/platform/config"
	"guildhall/platform/fault"
	"guildhall/platform/peer"
)

// Config is the key "ca" of the configuration file.
type Config struct {
	// Organization names the authority in its certificates. It, the permitted
	// names and the status address go into the root and issuing certificates at
	// the first start; changing them later does not change those.
	Organization string `yaml:"organization"`
	// StatusURL is the plain HTTP address of revocation lists and OCSP that
	// stands in every certificate; empty: the address of the plain listener.
	StatusURL string `yaml:"status_url"`
	// SealFile is the key that opens the authority's keys in the database;
	// empty: seal.key in the service's directory. Keep a copy elsewhere.
	SealFile string `yaml:"seal_file"`
	// RootPassphraseFile opens the root key. Move it offline: it is needed only
	// to sign with the root. Empty: root.passphrase in the service's directory.
	RootPassphraseFile string `yaml:"root_passphrase_file"`
	// PermittedDomains, when given, are the only domains (and all below them)
	// that are certified; they become name constraints of the root.
	PermittedDomains []string `yaml:"permitted_domains"`
	// ExcludedDomains are refused even when permitted.
	ExcludedDomains []string `yaml:"excluded_domains"`
	// PermittedIPs are the networks allowed beside loopback when
	// PermittedDomains is given.
	PermittedIPs []string `yaml:"permitted_ips"`
	// PublicNames are host names by service, beside <service>.<domain>, for
	// which services may have certificates for their public listeners.
	PublicNames map[string][]string `yaml:"public_names"`
	// Services are names, beside those of guildhall's own services, for which join
	// tokens may be made.
	Services []string `yaml:"services"`
	// KeepKeys allows private keys that the authority made to be kept, sealed,
	// when a request asks for it.
	KeepKeys bool `yaml:"keep_keys"`
	// ClockTolerance is how far the clock may be behind what was signed last.
	ClockTolerance config.Duration `yaml:"clock_tolerance"`
	// Lease is how long services go on without hearing from the authority; a
	// revocation is certain everywhere after at most that time. HeadInterval is
	// how often they hear from it when nothing happens.
	Lease        config.Duration `yaml:"lease"`
	HeadInterval config.Duration `yaml:"head_interval"`
	// CRLDelay is how long a revocation waits at most for the list that names it.
	CRLDelay config.Duration `yaml:"crl_delay"`
	// Profiles are the lifetimes of each kind of certificate.
	Profiles ProfilesConfig `yaml:"profiles"`
	// ExpiryWarnings are the times before a certificate's end at which the log
	// warns, if nobody has renewed it.
	ExpiryWarnings []config.Duration `yaml:"expiry_warnings"`
}

// ProfilesConfig are the lifetimes by profile.
type ProfilesConfig struct {
	Service LifetimeConfig `yaml:"service"`
	Server  LifetimeConfig `yaml:"server"`
	Client  LifetimeConfig `yaml:"client"`
	User    LifetimeConfig `yaml:"user"`
}

// LifetimeConfig bounds a profile's lifetimes.
type LifetimeConfig struct {
	// Lifetime is that of a certificate whose request does not say.
	Lifetime config.Duration `yaml:"lifetime"`
	// MaxLifetime is the most that a request may ask for.
	MaxLifetime config.Duration `yaml:"max_lifetime"`
}

const day = 24 * time.Hour

// DefaultConfig is the configuration of an authority that is told nothing.
func DefaultConfig() Config {
	days := func(n int) config.Duration { return config.Duration(time.Duration(n) * day) }
	return Config{
		Organization:   "guildhall",
		ClockTolerance: config.Duration(clock.DefaultTolerance),
		Lease:          config.Duration(peer.DefaultLease),
		HeadInterval:   config.Duration(feed.DefaultInterval),
		CRLDelay:       config.Duration(crl.DefaultMaxDelay),
		Profiles: ProfilesConfig{
			Service: LifetimeConfig{days(1), days(1)},
			Server:  LifetimeConfig{days(90), days(398)},
			Client:  LifetimeConfig{days(90), days(398)},
			User:    LifetimeConfig{days(365), days(398)},
		},
		ExpiryWarnings: []config.Duration{days(30), days(14), days(7), days(1)},
	}
}

// profiles reads lifetimes and policy; the error names the keys that are wrong.
func (c *Config) profiles(domain string) (*profile.Set, error) {
	policy, err := profile.NewPolicy(profile.PolicyText{Permitted: c.PermittedDomains, Excluded: c.ExcludedDomains,
		PermittedIPs: c.PermittedIPs, Always: []string{domain}})
	if err != nil {
		return nil, err
	}
	lifetimes := map[string]profile.Lifetimes{}
	for name, l := range map[string]LifetimeConfig{profile.Service: c.Profiles.Service, profile.Server: c.Profiles.Server,
		profile.Client: c.Profiles.Client, profile.User: c.Profiles.User} {
		lifetimes[name] = profile.Lifetimes{Default: l.Lifetime.Std(), Max: l.MaxLifetime.Std()}
	}
	return profile.NewSet(policy, lifetimes)
}

// check finds what no other part finds while it reads its own.
func (c *Config) check() error {
	var wrong []fault.Field
	refuse := func(key, format string, args ...any) {
		wrong = append(wrong, fault.Field{Name: "ca." + key, Code: "invalid", Detail: fmt.Sprintf(format, args...)})
	}
	if name := c.Organization; name == "" || len(name) > 40 || strings.TrimSpace(name) != name {
		refuse("organization", "%q cannot name the authority. Give 1 to 40 characters.", name)
	}
	if c.StatusURL != "" {
		u, err := url.Parse(c.StatusURL)
		if err != nil || u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			refuse("status_url", "%q is not a plain HTTP address. Write one such as http://status.example.com; clients cannot check a certificate over HTTPS.", c.StatusURL)
		}
	}
	if c.ClockTolerance.Std() > time.Hour {
		refuse("clock_tolerance", "%s is too much. Set at most 1h.", c.ClockTolerance)
	}
	if lease := c.Lease.Std(); lease < 2*time.Second || lease > time.Hour {
		refuse("lease", "%s is not between 2s and 1h.", c.Lease)
	}
	if pace := c.HeadInterval.Std(); pace < 50*time.Millisecond || pace > c.Lease.Std()/3 {
		refuse("head_interval", "%s is not between 50ms and a third of ca.lease.", c.HeadInterval)
	}
	if delay := c.CRLDelay.Std(); delay < crl.DefaultDelay || delay > time.Hour {
		refuse("crl_delay", "%s is not between %s and 1h.", c.CRLDelay, crl.DefaultDelay)
	}
	for i, name := range c.Services {
		if _, ok := peer.ServiceOf(peer.Name(name)); !ok {
			refuse(fmt.Sprintf("services[%d]", i), "%q cannot be the name of a service. Write at most 40 lower-case letters, digits and hyphens, a letter first.", name)
		}
	}
	for i, w := range c.ExpiryWarnings {
		if w.Std() < time.Hour {
			refuse(fmt.Sprintf("expiry_warnings[%d]", i), "%s is too short to act. Set at least 1h.", w)
		}
	}
	return fault.Fields(wrong...)
}

// file is a path from the configuration, or the name in the service's folder.
func file(configured, dir, name string) string {
	if configured != "" {
		return configured
	}
	return filepath.Join(dir, name)
}
