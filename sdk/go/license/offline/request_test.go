package offline_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/sdk/go/license/offline"
)

func request(t testing.TB) *offline.Request {
	t.Helper()
	r := offline.NewRequest("meter", issued, offline.RequestNode{Name: "node-1", PublicKey: installKey(t).Public(), Components: parts("a1", "a2", "a3")})
	r.Company, r.Contact, r.Modules, r.Users = "Żuraw", "anna@zuraw.example", []string{"export"}, 20
	return r
}

// The way of a licence: each of three nodes asks, the vendor issues, each opens.
func TestFromRequestToLicence(t *testing.T) {
	t.Parallel()
	r, keys := request(t), map[string]*offline.InstallKey{"node-1": nil}
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		keys[name] = installKey(t)
	}
	r.Nodes[0].PublicKey = keys["node-1"].Public()
	for _, name := range []string{"node-2", "node-3"} {
		if err := r.Join(offline.NewRequest("meter", issued, offline.RequestNode{Name: name, PublicKey: keys[name].Public(), Components: parts(name+"1", name+"2", name+"3")})); err != nil {
			t.Fatal(err)
		}
	}
	sent, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got, err := offline.ParseRequest(sent)
	if err != nil || len(got.Check()) > 0 {
		t.Fatalf("%v, %v", err, got.Check())
	}
	c := got.Claims()
	c.LicenseID, c.IssuedAt, c.ExpiresAt = "lic_3", issued, expires
	for _, n := range got.Nodes {
		if err := c.SealTo(n.Name, n.PublicKey, []byte(n.Name)); err != nil {
			t.Fatal(err)
		}
	}
	text := armour(t, issue(t, c, "new"))
	for i, n := range r.Nodes {
		o := options()
		o.Components, o.Users = n.Components, 20
		l, err := offline.Verify(text, o)
		if err != nil || l.Node != n.Name {
			t.Fatalf("node %d: %+v, %v", i, l, err)
		}
		if secret, err := l.Secret(keys[n.Name]); err != nil || string(secret) != n.Name {
			t.Errorf("node %d: %q, %v", i, secret, err)
		}
	}
	if err := r.Join(offline.NewRequest("gauge", issued)); offline.CodeOf(err) != offline.RequestWrong || len(r.Nodes) != 3 {
		t.Errorf("another product joins: %v", err)
	}
}

func TestRequestCheckNamesTheField(t *testing.T) {
	t.Parallel()
	if found := request(t).Check(); len(found) > 0 {
		t.Fatal(found)
	}
	for field, c := range map[string]struct {
		change func(*offline.Request)
		code   string
	}{
		"v":                    {func(r *offline.Request) { r.Version = 2 }, "malformed"},
		"product":              {func(r *offline.Request) { r.Product = "" }, "missing"},
		"company":              {func(r *offline.Request) { r.Company = "\t" }, "missing"},
		"contact":              {func(r *offline.Request) { r.Contact = strings.Repeat("x", 201) }, "malformed"},
		"modules":              {func(r *offline.Request) { r.Modules = slices.Repeat([]string{"a"}, 201) }, "too_many"},
		"modules[0]":           {func(r *offline.Request) { r.Modules = []string{""} }, "missing"},
		"users":                {func(r *offline.Request) { r.Users = -1 }, "malformed"},
		"nonce":                {func(r *offline.Request) { r.Nonce = r.Nonce[1:] }, "malformed"},
		"made_at":              {func(r *offline.Request) { r.MadeAt = time.Time{} }, "missing"},
		"instance_type":        {func(r *offline.Request) { r.InstanceType = 3 }, "malformed"},
		"nodes":                {func(r *offline.Request) { r.Nodes = nil }, "mismatch"},
		"nodes[0].name":        {func(r *offline.Request) { r.Nodes[0].Name = "" }, "missing"},
		"nodes[0].public_key":  {func(r *offline.Request) { r.Nodes[0].PublicKey = "AAAA" }, "malformed"},
		"nodes[0].components":  {func(r *offline.Request) { r.Nodes[0].Components = nil }, "missing"},
		"nodes[0].components ": {func(r *offline.Request) { r.Nodes[0].Components["disk"] = "WD-1" }, "malformed"},
		"nodes[1].name":        {func(r *offline.Request) { r.Nodes = append(r.Nodes, r.Nodes[0]) }, "mismatch"},
	} {
		r := request(t)
		c.change(r)
		found := r.Check()
		if !slices.ContainsFunc(found, func(p offline.Problem) bool {
			return p.Field == strings.TrimSpace(field) && p.Code == c.code && strings.HasSuffix(p.Detail, ".")
		}) {
			t.Errorf("%s: %+v", field, found)
		}
	}
}

func TestRequestsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                                "in JSON",
		"[]":                              "in JSON",
		`{"firm":"A"}`:                    `"firm"`,
		`{"users":"many"}`:                "users",
		`{"v":1} {"v":1}`:                 "Something follows",
		`{"v":1}]`:                        "Something follows",
		strings.Repeat(" ", 64<<10) + "{": "more than",
	} {
		if r, err := offline.ParseRequest([]byte(text)); r != nil || offline.CodeOf(err) != offline.RequestWrong || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %+v, %v", text, r, err)
		}
	}
}
