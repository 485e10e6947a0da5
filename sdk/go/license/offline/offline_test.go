package offline_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

var (
	issued  = time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
	expires = issued.AddDate(1, 0, 0)
)

// issuer is a signing key that depends on its name alone.
func issuer(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("issuer " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(name string) ed25519.PublicKey {
	key, _ := issuer(name).Public().(ed25519.PublicKey)
	return key
}

func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// parts are a machine's identifiers.
func parts(values ...string) fingerprint.Components {
	kinds := []string{"dmi_uuid", "machine_id", "disk", "mac", "mac#2"}
	out := fingerprint.Components{}
	for i, v := range values {
		out[kinds[i]] = digest(v)
	}
	return out
}

func claims() offline.Claims {
	return offline.Claims{
		LicenseID: "lic_1", Product: "meter", IssuedAt: issued, ExpiresAt: expires,
		Licensee: offline.Licensee{Company: "Zakład \"Żuraw\" <1>", Contact: "anna@zuraw.example"},
		Modules:  []string{"report", "export"},
		Deployment: offline.Deployment{
			InstanceType: offline.ThreeNodes,
			Nodes: []offline.Node{
				{Name: "node-1", Components: parts("a1", "a2", "a3", "a4", "a5")},
				{Name: "node-2", Components: parts("b1", "b2", "b3", "b4", "b5")},
				{Name: "node-3", Components: parts("c1", "c2", "c3", "c4", "c5")},
			},
			ProductVersions: offline.Versions{From: "2.1", To: "2"},
		},
		Restrictions: offline.Restrictions{ValidFrom: issued.AddDate(0, 0, 1), ValidTo: expires.AddDate(0, 0, -1), MaxUsers: 50},
	}
}

func options() offline.Options {
	return offline.Options{
		Keys: []ed25519.PublicKey{public("old"), public("new")}, Product: "meter", Version: "2.4.1", Module: "export", Users: 50,
		Components: parts("b1", "b2", "changed", "b4", "b5"), Now: issued.AddDate(0, 6, 0),
	}
}

func issue(t testing.TB, c offline.Claims, key string) string {
	t.Helper()
	text, err := offline.Issue(c, issuer(key))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"old", "new"} {
		l, err := offline.Verify(issue(t, claims(), key), options())
		if err != nil {
			t.Fatal(err)
		}
		if l.Node != "node-2" || l.KeyID != offline.KeyID(public(key)) || l.Licensee != claims().Licensee || !l.ExpiresAt.Equal(expires) || !l.Has("report") || l.Has("") {
			t.Errorf("the licence says %+v", l)
		}
	}
}

func TestLicencesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claims  func(*offline.Claims)
		options func(*offline.Options)
		code    offline.Code
		says    string
	}{
		"at its end":            {options: func(o *offline.Options) { o.Now = expires.AddDate(0, 0, -1) }, code: offline.Expired, says: "The licence expired on 2032-03-03 05:06 UTC."},
		"after its end":         {claims: func(c *offline.Claims) { c.Restrictions.ValidTo = time.Time{} }, options: func(o *offline.Options) { o.Now = expires }, code: offline.Expired, says: "expired on 2032-03-04"},
		"over before valid_to":  {claims: func(c *offline.Claims) { c.Restrictions.ValidTo = expires.AddDate(1, 0, 0) }, options: func(o *offline.Options) { o.Now = expires }, code: offline.Expired, says: "expired on 2032-03-04"},
		"before its beginning":  {options: func(o *offline.Options) { o.Now = issued.AddDate(0, 0, 1).Add(-time.Second) }, code: offline.NotYetValid, says: "not valid before 2031-03-05 05:06 UTC"},
		"no time":               {options: func(o *offline.Options) { o.Now = time.Time{} }, code: offline.NotSaid, says: "what time"},
		"another machine":       {options: func(o *offline.Options) { o.Components = parts("b1", "b2", "x", "y", "z") }, code: offline.MachineOther, says: `4 of the 8 points of the nearest, "node-2" (changed: disk, mac, mac#2; missing: none)`},
		"parts of all nodes":    {options: func(o *offline.Options) { o.Components = parts("a1", "b2", "c3", "a4", "b5") }, code: offline.MachineOther, says: "3 of the 8 points"},
		"no machine":            {options: func(o *offline.Options) { o.Components = nil }, code: offline.NotSaid, says: "which machine"},
		"a greater share":       {claims: func(c *offline.Claims) { c.Deployment.Match = 0.9 }, code: offline.MachineOther, says: "6 of the 8 points"},
		"an older release":      {options: func(o *offline.Options) { o.Version = "2.0.9" }, code: offline.ReleaseOutside, says: "versions 2.1 to 2; this is version 2.0.9"},
		"a newer release":       {options: func(o *offline.Options) { o.Version = "v3.0.0-rc.1" }, code: offline.ReleaseOutside, says: "v3.0.0-rc.1"},
		"no release":            {options: func(o *offline.Options) { o.Version = "" }, code: offline.NotSaid, says: "version"},
		"a name as release":     {options: func(o *offline.Options) { o.Version = "(devel)" }, code: offline.NotSaid, says: "version"},
		"another module":        {options: func(o *offline.Options) { o.Module = "admin" }, code: offline.ModuleMissing, says: `"admin"`},
		"too many users":        {options: func(o *offline.Options) { o.Users = 51 }, code: offline.TooManyUsers, says: "for 50 users, and there are 51"},
		"another product":       {claims: func(c *offline.Claims) { c.Product = "gauge" }, code: offline.ProductOther, says: `for "gauge"; this program is "meter"`},
		"a key not trusted":     {options: func(o *offline.Options) { o.Keys = o.Keys[:1] }, code: offline.KeyUnknown, says: offline.KeyID(public("new"))},
		"no key":                {options: func(o *offline.Options) { o.Keys = nil }, code: offline.KeyUnknown, says: "does not know"},
		"a key of wrong length": {options: func(o *offline.Options) { o.Keys = []ed25519.PublicKey{{1}} }, code: offline.KeyUnknown, says: "does not know"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, o := claims(), options()
			if c.claims != nil {
				c.claims(&made)
			}
			if c.options != nil {
				c.options(&o)
			}
			l, err := offline.Verify(issue(t, made, "new"), o)
			if l != nil || offline.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v, %s: %v", l, offline.CodeOf(err), err)
			}
		})
	}
}

// Genuine asks who signed it for what, and nothing else.
func TestGenuine(t *testing.T) {
	t.Parallel()
	o := offline.Options{Keys: options().Keys, Product: "meter"}
	if l, err := offline.Genuine(issue(t, claims(), "old"), o); err != nil || !l.IssuedAt.Equal(issued) || l.Node != "" {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err := offline.Genuine(issue(t, claims(), "thief"), o); l != nil || offline.CodeOf(err) != offline.KeyUnknown {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestLimitsThatAreNotThere(t *testing.T) {
	t.Parallel()
	c := claims()
	c.Deployment, c.Restrictions = offline.Deployment{}, offline.Restrictions{}
	o := offline.Options{Keys: options().Keys, Product: "meter", Users: 1e6, Now: issued}
	if l, err := offline.Verify(issue(t, c, "new"), o); err != nil || l.Node != "" {
		t.Errorf("%+v, %v", l, err)
	}
}

// No character of a licence can be changed, in either form.
func TestEachChangeIsRefused(t *testing.T) {
	t.Parallel()
	plain := issue(t, claims(), "new")
	armoured, err := offline.Armour(plain)
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.Index(armoured, "\n"), strings.LastIndex(armoured, "-----END")
	for _, form := range []struct {
		text     string
		from, to int
	}{{plain, 0, len(plain)}, {armoured, from, to}} {
		for i := form.from; i < form.to; i++ {
			if form.text[i] == '\n' {
				continue
			}
			c := "A"
			if form.text[i] == 'A' {
				c = "0"
			}
			l, err := offline.Verify(form.text[:i]+c+form.text[i+1:], options())
			if l != nil || !slices.Contains([]offline.Code{offline.Malformed, offline.SignatureWrong, offline.KeyUnknown}, offline.CodeOf(err)) {
				t.Fatalf("character %d made %s: %+v, %v", i, c, l, err)
			}
		}
	}
}

// What somebody signs with a key of his own is nothing, whatever key he names.
func TestForgery(t *testing.T) {
	t.Parallel()
	text := issue(t, claims(), "thief")
	head, _, _ := strings.Cut(text[len("v4.public."):], ".")
	foot := base64.RawURLEncoding.EncodeToString([]byte(`{"kid":"` + offline.KeyID(public("new")) + `"}`))
	for text, code := range map[string]offline.Code{
		text:                              offline.KeyUnknown,
		"v4.public." + head + "." + foot:  offline.SignatureWrong,
		"v4.public." + head:               offline.Malformed,
		"v4.public." + head + ".":         offline.Malformed,
		"v4.local." + head + "." + foot:   offline.Malformed,
		"v2.public." + head + "." + foot:  offline.Malformed,
		"v4.public.AAAA." + foot:          offline.Malformed,
		"v4.public.." + foot:              offline.Malformed,
		"":                                offline.Malformed,
		strings.Repeat("v4.public.", 9e3): offline.Malformed,
		rawToken(issuer("new"), "{}", `{"kid":"`+strings.Repeat("x", 250)+`"}`, "meter"): offline.Malformed,
	} {
		if l, err := offline.Verify(text, options()); l != nil || offline.CodeOf(err) != code {
			t.Errorf("%.60s: %+v, %v", text, l, err)
		}
	}
}

func TestClaimsThatCannotBeIssued(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*offline.Claims){
		"license_id":                       func(c *offline.Claims) { c.LicenseID = "a\nb" },
		"product":                          func(c *offline.Claims) { c.Product = "" },
		"issued_at":                        func(c *offline.Claims) { c.IssuedAt = time.Time{} },
		"expires_at":                       func(c *offline.Claims) { c.ExpiresAt = c.IssuedAt.Add(time.Second / 2) },
		"licensee.company":                 func(c *offline.Claims) { c.Licensee.Company = " " },
		"licensee.contact":                 func(c *offline.Claims) { c.Licensee.Contact = "a\nb" },
		"modules[1]":                       func(c *offline.Claims) { c.Modules = []string{"a", ""} },
		"note":                             func(c *offline.Claims) { c.Note = strings.Repeat("x", 2001) },
		"deployment.instance_type":         func(c *offline.Claims) { c.Deployment.InstanceType = 2 },
		"deployment.nodes":                 func(c *offline.Claims) { c.Deployment.InstanceType = 0 },
		"deployment.nodes[1].name":         func(c *offline.Claims) { c.Deployment.Nodes[1].Name = "node-1" },
		"deployment.nodes[2].components":   func(c *offline.Claims) { c.Deployment.Nodes[2].Components = nil },
		"deployment.match":                 func(c *offline.Claims) { c.Deployment.Match = 1.1 },
		"deployment.product_versions.to":   func(c *offline.Claims) { c.Deployment.ProductVersions.To = "latest" },
		"deployment.product_versions.from": func(c *offline.Claims) { c.Deployment.ProductVersions.From = "1.2.3.4.5" },
		"restrictions.valid_to":            func(c *offline.Claims) { c.Restrictions.ValidTo = issued },
		"restrictions.max_users":           func(c *offline.Claims) { c.Restrictions.MaxUsers = -1 },
		"sealed[0].to":                     func(c *offline.Claims) { c.Sealed = []offline.Sealed{{To: "all", Data: "AAAA"}} },
		"sealed[0].node": func(c *offline.Claims) {
			c.Sealed = []offline.Sealed{{Node: "node-4", To: "install_key", Data: "AAAA"}}
		},
		"sealed[0].data": func(c *offline.Claims) { c.Sealed = []offline.Sealed{{To: "code", Data: "="}} },
		"deployment.nodes[0].components": func(c *offline.Claims) {
			c.Deployment.Nodes[0].Components = fingerprint.Components{"disk": "WD-1234"}
		},
	} {
		c := claims()
		change(&c)
		text, err := offline.Issue(c, issuer("new"))
		if text != "" || offline.CodeOf(err) != offline.ClaimsWrong || !strings.Contains(err.Error(), ": "+field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	backwards := claims()
	backwards.Deployment.ProductVersions = offline.Versions{From: "3", To: "2.9"}
	if _, err := offline.Issue(backwards, issuer("new")); err == nil || !strings.Contains(err.Error(), "No version is from 3 and up to 2.9") {
		t.Errorf("a range that ends before it begins: %v", err)
	}
	long := claims()
	for i := range 200 {
		long.Modules = append(long.Modules[:i], fmt.Sprintf("%0190d", i))
	}
	if text, err := offline.Issue(long, issuer("new")); text != "" || offline.CodeOf(err) != offline.ClaimsWrong || !strings.Contains(err.Error(), "more than 32768 bytes") {
		t.Errorf("a long one: %v", err)
	}
	if _, err := offline.Issue(claims(), nil); err == nil {
		t.Error("issued without key")
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	c := claims()
	c.Note = "second\nline"
	u, err := offline.Inspect(issue(t, c, "thief"))
	if err != nil {
		t.Fatal(err)
	}
	said := u.String()
	if !strings.HasPrefix(said, "unverified") || u.KeyID != offline.KeyID(public("thief")) || u.Claims.Licensee != c.Licensee {
		t.Errorf("%+v\n%s", u, said)
	}
	for _, want := range []string{`"lic_1" for "meter"`, "expires       2032-03-04 05:06 UTC", `"node-3", 5 identifiers`, "users         50", `"second\nline"`} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said in\n%s", want, said)
		}
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to, version string
		in                bool
	}{
		{"", "2", "2.9.1", true}, {"", "2", "3", false}, {"", "2.4", "2.4.7", true}, {"", "2.4", "2.5", false}, {"", "2.4.0", "2.4", true},
		{"2", "", "2.0.0", true}, {"2", "", "1.99", false}, {"2.4.1", "", "2.4", false}, {"2.4.0", "", "2.4", true}, {"2.10", "", "2.9", false}, {"v2.10", "", "v2.11-rc1", true},
	} {
		made, o := claims(), options()
		made.Deployment.ProductVersions = offline.Versions{From: c.from, To: c.to}
		o.Version = c.version
		_, err := offline.Verify(issue(t, made, "new"), o)
		if (err == nil) != c.in || err != nil && offline.CodeOf(err) != offline.ReleaseOutside {
			t.Errorf("%s in %q to %q: %v", c.version, c.from, c.to, err)
		}
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	if offline.CodeOf(errors.New("x")) != "" || offline.CodeOf(nil) != "" {
		t.Error("other errors have a code")
	}
}
