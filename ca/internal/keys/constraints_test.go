package keys_test

import (
	"strings"
	"testing"

	"guildhall/ca/internal/keys"
	"guildhall/ca/internal/profile"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

func policy(t *testing.T, text profile.PolicyText) profile.Policy {
	t.Helper()
	p, err := profile.NewPolicy(text)
	must(t, err)
	return p
}

// A policy other than the one in the certificates would have the authority
// issue what every client refuses.
func TestPolicyAfterTheFirstStart(t *testing.T) {
	first := profile.PolicyText{Permitted: []string{"example.com", "example.org"}, PermittedIPs: []string{"10.0.0.0/8", "2001:db8::/32"}, Always: []string{"guild.example.com"}}
	guildtest.Engines(t, migrations, func(t *testing.T, d *db.DB) {
		o := options(d, t.TempDir())
		o.Policy = policy(t, first)
		mark := open(t, o).Issuing().Certificate.Subject.CommonName

		for what, same := range map[string]profile.PolicyText{
			"in another order":       {Permitted: []string{"example.org", "EXAMPLE.com"}, PermittedIPs: []string{"2001:db8::/32", "10.0.0.0/8"}, Always: first.Always},
			"another domain below":   {Permitted: first.Permitted, PermittedIPs: first.PermittedIPs, Always: []string{"other.example.org"}},
			"with excluded domains":  {Permitted: first.Permitted, PermittedIPs: first.PermittedIPs, Always: first.Always, Excluded: []string{"secret.example.com"}},
			"a network written long": {Permitted: first.Permitted, PermittedIPs: []string{"10.1.2.3/8", "2001:db8::/32"}, Always: first.Always},
		} {
			t.Log(what)
			o.Policy = policy(t, same)
			open(t, o)
		}

		for what, c := range map[string]struct {
			text profile.PolicyText
			key  string
			says []string
		}{
			"one more domain": {profile.PolicyText{Permitted: []string{"example.com", "example.net", "example.org"}, PermittedIPs: first.PermittedIPs},
				"ca.permitted_domains", []string{"permits example.com, example.org, guildhall.internal, but", "permits example.com, example.net, example.org, guildhall.internal "}},
			"one domain less": {profile.PolicyText{Permitted: []string{"example.com"}, PermittedIPs: first.PermittedIPs},
				"ca.permitted_domains", []string{"permits example.com, guildhall.internal "}},
			"a domain of the process elsewhere": {profile.PolicyText{Permitted: first.Permitted, PermittedIPs: first.PermittedIPs, Always: []string{"guild.test"}},
				"ca.permitted_domains", []string{"guild.test", "server.domain"}},
			"nothing": {profile.PolicyText{}, "ca.permitted_domains", []string{"but the configuration permits every domain "}},
			"another network": {profile.PolicyText{Permitted: first.Permitted, PermittedIPs: []string{"192.168.0.0/16"}},
				"ca.permitted_ips", []string{"permits 10.0.0.0/8, 127.0.0.0/8, 2001:db8::/32, ::1/128, but", "permits 127.0.0.0/8, 192.168.0.0/16, ::1/128 "}},
		} {
			o.Policy = policy(t, c.text)
			refusedPolicy(t, what, o, c.key, append(c.says, mark, "Put the old value back", "a new data directory"))
		}
	})
}

// The other way round too: constraints do not come into a certificate that has none.
func TestPolicyAfterAnOpenStart(t *testing.T) {
	t.Parallel()
	o := options(sqlite(t), t.TempDir())
	open(t, o)
	o.Policy = policy(t, profile.PolicyText{PermittedIPs: []string{"10.0.0.0/8"}}) // says nothing without domains
	open(t, o)
	o.Policy = policy(t, profile.PolicyText{Permitted: []string{"example.com"}})
	refusedPolicy(t, "domains later", o, "ca.permitted_domains", []string{"permits every domain, but the configuration permits example.com, guildhall.internal "})
}

func refusedPolicy(t *testing.T, what string, o keys.Options, key string, says []string) {
	t.Helper()
	_, err := keys.Open(t.Context(), o)
	if err == nil {
		t.Errorf("%s: it opens", what)
		return
	}
	f := fault.As(err)
	if len(f.Fields) != 1 || f.Fields[0].Name != key || f.Fields[0].Code != "differs" {
		t.Errorf("%s: %v", what, err)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%s: %q does not say %q", what, err, s)
		}
	}
}
