package profile_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/ca/internal/profile"
	"guildhall/platform/fault"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Shop.Example.COM":          "dns:shop.example.com",
		"dns: shop.example.com":     "dns:shop.example.com",
		"DNS:localhost":             "dns:localhost",
		"*.Example.com":             "dns:*.example.com",
		"bücher.example":            "dns:xn--bcher-kva.example",
		"xn--bcher-kva.example":     "dns:xn--bcher-kva.example",
		"10.0.0.1":                  "ip:10.0.0.1",
		"ip:[2001:DB8::0:1]":        "ip:2001:db8::1",
		"::ffff:10.0.0.1":           "ip:10.0.0.1",
		"Jan.Kowalski+x@Żółw.pl":    "email:Jan.Kowalski+x@xn--w-uga1v8h.pl",
		"https://Example.com/a?b=c": "uri:https://example.com/a?b=c",
		"spiffe://example.org/web":  "uri:spiffe://example.org/web",
		"urn:uuid:f81d4fae-7dec":    "uri:urn:uuid:f81d4fae-7dec",
	} {
		n, err := profile.ParseName(text)
		if err != nil || n.String() != want {
			t.Errorf("%q is %q, %v; want %q", text, n, err, want)
		}
	}
	for _, text := range []string{"", " ", "a b", "a_b.example.com", ".example.com", "example.com.", "a..b", "-a.example.com", "1.2.3", "10.0.0.256", "*", "*.com", "a.*.com", "**.example.com",
		"xn--a.example.com", "0\xc80", "0.0.0.0", "fe80::1%eth0", "224.0.0.1", "10.0.0.0/8", "@example.com", "a@", "a b@example.com", "ż@example.com", "a@b@example.com", `"a"@example.com`,
		"https://", "https:///x", "https://user@example.com/", "ftp://exa mple.com", "https://[::1]/", "mailto:a@example.com", "uri:x", "dns:*", strings.Repeat("a.", 130) + "com"} {
		if n, err := profile.ParseName(text); err == nil {
			t.Errorf("%q was taken as %s", text, n)
		}
	}
}

func TestNamesThatAreReadAsAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1", "1.2.3", "10.0.0.256", "0x7f000001", "0X7F000001", "0x", "a.0x7f", "a.0x", "shop.example.017", "*.a.0xff", "dns:0x7f.1",
		"１.２.３", "０ｘ７ｆ", "a@0x7f000001", "a@b.1"} {
		if n, err := profile.ParseName(text); err == nil || !strings.Contains(err.Error(), "its last label is a number") {
			t.Errorf("%q: %s, %v", text, n, err)
		}
	}
	for _, text := range []string{"https://0x7f000001/", "https://1.2.3/"} {
		if n, err := profile.ParseName(text); err == nil {
			t.Errorf("%q was taken as %s", text, n)
		}
	}
	for _, text := range []string{"0x7g", "x7f", "00x7f", "0x7f.example", "1.example", "a.b1", "a.1b", "0xx"} {
		if n, err := profile.ParseName(text); err != nil || n.Kind != profile.DNS {
			t.Errorf("%q: %s, %v", text, n, err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"shop.example.com", "*.bücher.example", "ip:::1", "a@b.c", "urn:x:y", "https://e.com:8/ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := profile.ParseName(text)
		if err != nil {
			return
		}
		again, err := profile.ParseName(n.String())
		if err != nil || again != n {
			t.Fatalf("%q is %s, which reads back as %s, %v", text, n, again, err)
		}
		for _, r := range n.Value {
			if r <= ' ' || r > '~' {
				t.Fatalf("%q became %q, which is not ASCII", text, n.Value)
			}
		}
	})
}

// What the policy lets through is what the constraints in the root let through,
// as the standard library reads them.
func TestPolicyAgreesWithConstraints(t *testing.T) {
	t.Parallel()
	policy, err := profile.NewPolicy(profile.PolicyText{Permitted: []string{"example.com", "Żółw.pl"}, PermittedIPs: []string{"10.0.0.0/8", "2001:db8::/32"}, Always: []string{"guildhall.localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	world := newChain(t, policy)
	set, err := profile.NewSet(policy, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, _ := set.Get(profile.Client)
	hosts := rapid.SampledFrom([]string{"example.com", "a.example.com", "aexample.com", "example.org", "żółw.pl", "x.żółw.pl", "w.guildhall.localhost", "com"})
	names := rapid.OneOf(hosts,
		rapid.Custom(func(t *rapid.T) string { return "jan@" + hosts.Draw(t, "host") }),
		rapid.Custom(func(t *rapid.T) string { return "https://" + hosts.Filter(ascii).Draw(t, "host") + "/x" }),
		rapid.SampledFrom([]string{"10.1.2.3", "11.0.0.1", "127.0.0.1", "::1", "2001:db8::7", "2001:db9::7"}))
	rapid.Check(t, func(t *rapid.T) {
		name := names.Draw(t, "name")
		subject, err := set.Check(client, profile.Request{Names: []string{name}})
		n, parseErr := profile.ParseName(name)
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		permitted := world.accepts(t, client, profile.Subject{Names: []profile.Name{n}, Lifetime: time.Hour})
		if (err == nil) != permitted {
			t.Fatalf("%s: policy says %v, the constraints permit it: %v", name, err, permitted)
		}
		if err == nil && subject.CommonName == "" && n.Kind != profile.URI {
			t.Fatalf("%s: no common name", name)
		}
	})
}

func ascii(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > '~' }) < 0 }

func TestConfigurationErrorsNameTheirKeys(t *testing.T) {
	t.Parallel()
	_, err := profile.NewPolicy(profile.PolicyText{Permitted: []string{"ok.example", "not ok"}, Excluded: []string{"*.x"}, PermittedIPs: []string{"10.0.0.1"}})
	for i, want := range []string{"ca.permitted_domains[1]", "ca.excluded_domains[0]", "ca.permitted_ips[0]"} {
		if fields := fault.As(err).Fields; len(fields) != 3 || fields[i].Name != want {
			t.Errorf("policy: %v", err)
		}
	}
	for key, l := range map[string]profile.Lifetimes{"ca.profiles.server.lifetime": {Default: 2 * time.Hour, Max: time.Hour}, "ca.profiles.client.lifetime": {Default: time.Second}} {
		name := strings.Split(key, ".")[2]
		if _, err := profile.NewSet(profile.Policy{}, map[string]profile.Lifetimes{name: l}); len(fault.As(err).Fields) != 1 || fault.As(err).Fields[0].Name != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	set, err := profile.NewSet(profile.Policy{}, map[string]profile.Lifetimes{"server": {Max: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := set.Get("server"); p.Lifetime != time.Hour {
		t.Errorf("the default lifetime is %s, above the maximum", p.Lifetime)
	}
}

func TestCommonNames(t *testing.T) {
	t.Parallel()
	set, err := profile.NewSet(profile.Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a", 60) + ".example.com"
	for _, c := range []struct {
		profile, cn string
		names       []string
		want, sans  string
	}{
		{profile.Server, "B.example.com", []string{"a.example.com"}, "b.example.com", "dns:a.example.com dns:b.example.com"},
		{profile.Server, "", []string{"b.example.com", "a.example.com"}, "b.example.com", "dns:a.example.com dns:b.example.com"},
		{profile.Server, long, nil, "", "dns:" + long},
		{profile.Server, "", []string{long, "b.example.com"}, "b.example.com", "dns:" + long + " dns:b.example.com"},
		{profile.Server, "10.0.0.1", nil, "10.0.0.1", "ip:10.0.0.1"},
		{profile.Client, "build7", nil, "build7", ""},
		{profile.Client, "build.example.com", nil, "build.example.com", "dns:build.example.com"},
		{profile.User, "Łukasz Żak", []string{"l@example.com"}, "Łukasz Żak", "email:l@example.com"},
		{profile.User, "l@example.com", nil, "l@example.com", "email:l@example.com"},
		{profile.Server, "a.example.com", []string{"A.example.com", "dns:a.example.com"}, "a.example.com", "dns:a.example.com"},
	} {
		p, _ := set.Get(c.profile)
		s, err := set.Check(p, profile.Request{CommonName: c.cn, Names: c.names})
		var sans []string
		for _, n := range s.Names {
			sans = append(sans, n.String())
		}
		if err != nil || s.CommonName != c.want || strings.Join(sans, " ") != c.sans {
			t.Errorf("%s %q %v: common name %q, names %v, %v", c.profile, c.cn, c.names, s.CommonName, sans, err)
		}
	}
}

func TestFreeCommonNamesPoseAsNoHost(t *testing.T) {
	t.Parallel()
	policy, err := profile.NewPolicy(profile.PolicyText{Excluded: []string{"secret.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := profile.NewSet(policy, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{profile.Client, profile.User} {
		p, _ := set.Get(name)
		check := func(cn string, more ...string) error {
			_, err := set.Check(p, profile.Request{CommonName: cn, Names: append(more, "jan@example.com")})
			return err
		}
		for _, cn := range []string{"shop.guildhall.internal", "shop.guildhall.internal.", "Shop.GuildHall.internal", "guildhall.internal..",
			"*.guildhall.internal", "*.example.com", "*", "a.*.example.com", "a.secret.example.com", "a.secret.example.com."} {
			if err := check(cn); err == nil {
				t.Errorf("%s: the common name %q was accepted", name, cn)
			}
		}
		for _, cn := range []string{"Jan Kowalski", "J. Kowalski Jr.", "Acme Sp. z o.o.", "build7", "张伟"} {
			if err := check(cn); err != nil {
				t.Errorf("%s: %q: %v", name, cn, err)
			}
		}
		for _, n := range []string{"root@guildhall.internal", "https://ca.guildhall.internal/x", "https://ca.guildhall.internal:443/x"} {
			if err := check("Jan Kowalski", n); err == nil {
				t.Errorf("%s: %s was accepted", name, n)
			}
		}
	}
}

func TestSerialsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 20000 {
		text := profile.SerialText(profile.Serial())
		if len(text) != 32 || strings.HasPrefix(text, "00") || seen[text] {
			t.Fatalf("serial number %s", text)
		}
		seen[text] = true
	}
}
