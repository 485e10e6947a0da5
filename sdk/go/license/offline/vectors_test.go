package offline_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

const vectorFile = "../../../vectors/offline-licence.json"

// vectors is sdk/vectors/offline-licence.json: what every implementation must do.
type vectors struct {
	About string `json:"about"`
	// Issuers are signing keys by name, InstallKeys those of machines.
	Issuers     map[string]vectorIssuer `json:"issuers"`
	InstallKeys map[string]vectorKey    `json:"install_keys"`
	Licences    []vectorLicence         `json:"licences"`
	Secrets     []vectorSecret          `json:"secrets"`
	Requests    []vectorRequest         `json:"requests"`
}

type vectorIssuer struct {
	Seed   string `json:"seed_hex"`
	Public string `json:"public_hex"`
	KeyID  string `json:"kid"`
}

type vectorKey struct {
	File   string `json:"file"`
	Public string `json:"public"`
}

// vectorLicence is a text, who reads it, and what is to come of it: Claims and Node, or
// the Code of the refusal. Issuer is set where the claims give the text.
type vectorLicence struct {
	Name   string       `json:"name"`
	Text   string       `json:"text"`
	Reader vectorReader `json:"reader"`
	Code   offline.Code `json:"code,omitempty"`
	Node   string       `json:"node,omitempty"`
	Issuer string       `json:"issuer,omitempty"`
	Claims string       `json:"claims,omitempty"`
	Armour string       `json:"armour,omitempty"`
	Says   string       `json:"says,omitempty"` // what the text of the refusal has in it
}

type vectorReader struct {
	Issuers    []string               `json:"issuers"`
	Product    string                 `json:"product"`
	Version    string                 `json:"version"`
	Module     string                 `json:"module"`
	Users      int                    `json:"users"`
	Components fingerprint.Components `json:"components"`
	Now        time.Time              `json:"now"`
}

// vectorSecret opens the confidential part of a licence of the list, by a key or a code.
type vectorSecret struct {
	Name       string       `json:"name"`
	Licence    string       `json:"licence"`
	InstallKey string       `json:"install_key,omitempty"`
	TypedCode  string       `json:"typed_code,omitempty"`
	Secret     string       `json:"secret,omitempty"`
	Code       offline.Code `json:"code,omitempty"`
}

// vectorRequest is a request and the fields that are wrong; Code if it cannot be read.
type vectorRequest struct {
	Name   string       `json:"name"`
	Text   string       `json:"text"`
	Code   offline.Code `json:"code,omitempty"`
	Fields []string     `json:"fields,omitempty"`
}

var update = flag.Bool("update", false, "write the vectors anew")

func TestVectors(t *testing.T) {
	t.Parallel()
	if *update {
		text, err := json.MarshalIndent(makeVectors(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	v.checkLicences(t)
	v.checkSecrets(t)
	for _, r := range v.Requests {
		got, err := offline.ParseRequest([]byte(r.Text))
		var fields []string
		if err == nil {
			for _, p := range got.Check() {
				fields = append(fields, p.Field)
			}
		}
		if offline.CodeOf(err) != r.Code || !slices.Equal(fields, r.Fields) {
			t.Errorf("request %s: %v, %v", r.Name, err, fields)
		}
	}
	if len(v.Licences) < 25 || len(v.Secrets) < 6 || len(v.Requests) < 4 {
		t.Error("vectors are missing")
	}
}

// The document in another language accepts the same and refuses the same.
func TestVectorsInPython(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // that of the system has the system's packages
	if err := exec.CommandContext(t.Context(), python, "-c", "import cryptography").Run(); err != nil {
		t.Fatal("there is no Python with the package cryptography: apt-get install python3-cryptography")
	}
	out, err := exec.CommandContext(t.Context(), python, "testdata/open_vectors.py", vectorFile).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "as it should be: ") {
		t.Errorf("%s%v", out, err)
	}
}

// The document names what the code has.
func TestTheDocumentSaysTheSame(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../../docs/formats/offline-licence.md")
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(strings.Fields(string(text)), " ")
	for _, c := range []offline.Code{
		offline.Malformed, offline.KeyUnknown, offline.SignatureWrong, offline.VersionUnknown, offline.ClaimsWrong, offline.ProductOther, offline.NotYetValid, offline.Expired,
		offline.ReleaseOutside, offline.ModuleMissing, offline.TooManyUsers, offline.MachineOther, offline.NotSaid, offline.SecretMissing, offline.SecretClosed,
		offline.CodeTypo, offline.KeyFile, offline.RequestWrong, "clock_back", "run_out", "state_unwritable",
	} {
		if !strings.Contains(said, "`"+string(c)+"`") {
			t.Errorf("the code %s is not in the document", c)
		}
	}
	for _, text := range []string{`"guildhall offline licence v1\n"`, `"guildhall offline licence secret v1\n"`, `"guildhall offline licence code v1\n"`, `"guildhall clock state v1\n"`, "guildhall-install-key:", "BEGIN GUILDHALL LICENCE"} {
		if !strings.Contains(said, text) {
			t.Errorf("%s is not in the document", text)
		}
	}
}

func (v *vectors) options(t *testing.T, r vectorReader) offline.Options {
	t.Helper()
	o := offline.Options{Product: r.Product, Version: r.Version, Module: r.Module, Users: r.Users, Components: r.Components, Now: r.Now}
	for _, name := range r.Issuers {
		key, err := hex.DecodeString(v.Issuers[name].Public)
		if err != nil || offline.KeyID(key) != v.Issuers[name].KeyID {
			t.Fatalf("issuer %s: %v", name, err)
		}
		o.Keys = append(o.Keys, key)
	}
	return o
}

func (v *vectors) checkLicences(t *testing.T) {
	t.Helper()
	for _, c := range v.Licences {
		l, err := offline.Verify(c.Text, v.options(t, c.Reader))
		if offline.CodeOf(err) != c.Code || err == nil && l.Node != c.Node || err != nil && !strings.Contains(err.Error(), c.Says) {
			t.Errorf("licence %s: %+v, %v", c.Name, l, err)
		}
		if c.Claims == "" {
			continue
		}
		var claims offline.Claims
		if err := json.Unmarshal([]byte(c.Claims), &claims); err != nil {
			t.Fatal(err)
		}
		seed, err := hex.DecodeString(v.Issuers[c.Issuer].Seed)
		if err != nil {
			t.Fatal(err)
		}
		text, err := offline.Issue(claims, ed25519.NewKeyFromSeed(seed))
		if err != nil || text != c.Text {
			t.Errorf("licence %s: %v, issued as %s", c.Name, err, text)
		}
		if l != nil {
			if diff := cmp.Diff(claims, l.Claims); diff != "" {
				t.Errorf("licence %s: %s", c.Name, diff)
			}
		}
		if armoured, err := offline.Armour(text); err != nil || armoured != c.Armour {
			t.Errorf("licence %s: %v\n%s", c.Name, err, armoured)
		}
	}
}

func (v *vectors) checkSecrets(t *testing.T) {
	t.Helper()
	for _, s := range v.Secrets {
		i := slices.IndexFunc(v.Licences, func(l vectorLicence) bool { return l.Name == s.Licence })
		l, err := offline.Verify(v.Licences[i].Text, v.options(t, v.Licences[i].Reader))
		if err != nil {
			t.Fatal(err)
		}
		var secret []byte
		if s.InstallKey != "" {
			key := keyInFile(t, v.InstallKeys[s.InstallKey].File)
			if key.Public() != v.InstallKeys[s.InstallKey].Public {
				t.Errorf("install key %s is %s", s.InstallKey, key.Public())
			}
			secret, err = l.Secret(key)
		} else {
			secret, err = l.SecretByCode(s.TypedCode)
		}
		if string(secret) != s.Secret || offline.CodeOf(err) != s.Code {
			t.Errorf("secret %s: %q, %v", s.Name, secret, err)
		}
	}
}

func keyInFile(t *testing.T, text string) *offline.InstallKey {
	t.Helper()
	path := filepath.Join(t.TempDir(), "install.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := offline.LoadInstallKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func makeVectors(t *testing.T) *vectors {
	t.Helper()
	v := &vectors{About: "Generated by `go test ./sdk/go/license/offline -run TestVectors -update`: do not edit. The format is described in docs/formats/offline-licence.md.", Issuers: map[string]vectorIssuer{}, InstallKeys: map[string]vectorKey{}}
	for _, name := range []string{"old", "new", "thief"} {
		v.Issuers[name] = vectorIssuer{hex.EncodeToString(issuer(name).Seed()), hex.EncodeToString(public(name)), offline.KeyID(public(name))}
	}
	for _, name := range []string{"node-1", "node-2", "node-3", "elsewhere"} {
		raw := sha256.Sum256([]byte("install key " + name))
		file := "guildhall-install-key:" + base64.RawURLEncoding.EncodeToString(raw[:]) + "\n"
		v.InstallKeys[name] = vectorKey{file, keyInFile(t, file).Public()}
	}
	v.makeLicences(t)
	v.makeRequests(t)
	return v
}

func (v *vectors) makeLicences(t *testing.T) {
	t.Helper()
	full := claims()
	for _, n := range full.Deployment.Nodes {
		if err := full.SealTo(n.Name, v.InstallKeys[n.Name].Public, []byte("unpack key of "+n.Name)); err != nil {
			t.Fatal(err)
		}
	}
	code, err := full.SealToCode([]byte("unpack key under a code"))
	if err != nil {
		t.Fatal(err)
	}
	other := claims()
	anotherCode, err := other.SealToCode([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	v.makeSecrets(code, anotherCode)
	reader := vectorReader{Issuers: []string{"old", "new"}, Product: "meter", Version: "2.4.1", Module: "export", Users: 50, Components: options().Components, Now: options().Now}
	add := func(name, key string, c offline.Claims, change func(*vectorReader), code offline.Code, says, node string) {
		r := reader
		if change != nil {
			change(&r)
		}
		text := issue(t, c, key)
		u, err := offline.Inspect(text)
		if err != nil {
			t.Fatal(err)
		}
		exact, err := json.Marshal(u.Claims)
		if err != nil {
			t.Fatal(err)
		}
		v.Licences = append(v.Licences, vectorLicence{Name: name, Text: text, Reader: r, Code: code, Says: says, Node: node, Issuer: key, Claims: string(exact), Armour: armour(t, text)})
	}
	free := claims()
	free.Deployment, free.Restrictions, free.Note = offline.Deployment{}, offline.Restrictions{}, "<b>&\u2028 注意"
	add("full", "new", full, nil, "", "", "node-2")
	add("signed by the key before", "old", claims(), nil, "", "", "node-2")
	add("bound to nothing", "new", free, func(r *vectorReader) { r.Version, r.Components = "", nil }, "", "", "")
	add("a second before its end", "new", free, func(r *vectorReader) { r.Now = expires.Add(-time.Second) }, "", "", "")
	add("at its end", "new", free, func(r *vectorReader) { r.Now = expires }, offline.Expired, "expired on 2032-03-04 05:06 UTC", "")
	add("before valid_from", "new", claims(), func(r *vectorReader) { r.Now = issued }, offline.NotYetValid, "2031-03-05 05:06 UTC", "")
	add("at valid_to", "new", claims(), func(r *vectorReader) { r.Now = claims().Restrictions.ValidTo }, offline.Expired, "2032-03-03 05:06 UTC", "")
	add("another machine", "new", claims(), func(r *vectorReader) { r.Components = parts("b1", "b2", "x", "y", "z") }, offline.MachineOther, "4 of the 8 points", "")
	add("no machine", "new", claims(), func(r *vectorReader) { r.Components = nil }, offline.NotSaid, "", "")
	add("an older version", "new", claims(), func(r *vectorReader) { r.Version = "2.0.9" }, offline.ReleaseOutside, "2.0.9", "")
	add("a newer version", "new", claims(), func(r *vectorReader) { r.Version = "3.0" }, offline.ReleaseOutside, "3.0", "")
	add("no version", "new", claims(), func(r *vectorReader) { r.Version = "" }, offline.NotSaid, "", "")
	add("another module", "new", claims(), func(r *vectorReader) { r.Module = "admin" }, offline.ModuleMissing, "admin", "")
	add("too many users", "new", claims(), func(r *vectorReader) { r.Users = 51 }, offline.TooManyUsers, "51", "")
	add("for another product", "new", claims(), func(r *vectorReader) { r.Product = "gauge" }, offline.ProductOther, "meter", "")
	add("signed by somebody", "thief", claims(), nil, offline.KeyUnknown, "", "")
	v.makeBad(issue(t, claims(), "new"), issue(t, claims(), "thief"), armour(t, issue(t, claims(), "new")), reader)
}

// makeBad are texts that no issuer wrote.
func (v *vectors) makeBad(good, thief, armoured string, reader vectorReader) {
	body, foot, _ := strings.Cut(strings.TrimPrefix(good, "v4.public."), ".")
	thiefBody, _, _ := strings.Cut(strings.TrimPrefix(thief, "v4.public."), ".")
	lines := strings.SplitAfter(armoured, "\n")
	signed := func(claims, product string) string {
		return rawToken(issuer("new"), claims, `{"kid":"`+offline.KeyID(public("new"))+`"}`, product)
	}
	for _, b := range []struct {
		name, text string
		code       offline.Code
		says       string
	}{
		{"signed by somebody in another's name", "v4.public." + thiefBody + "." + foot, offline.SignatureWrong, ""},
		{"one bit of the claims", "v4.public." + flip(body, 40) + "." + foot, offline.SignatureWrong, ""},
		{"one bit of the signature", "v4.public." + flip(body, len(body)-20) + "." + foot, offline.SignatureWrong, ""},
		{"another footer", "v4.public." + body + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"kid": "`+offline.KeyID(public("new"))+`"}`)), offline.SignatureWrong, ""},
		{"the assertion of another purpose", rawToken(issuer("new"), `{"v":1}`, `{"kid":"`+offline.KeyID(public("new"))+`"}`, "\x00"), offline.SignatureWrong, ""},
		{"no footer", "v4.public." + body, offline.Malformed, "cut"},
		{"an empty footer", "v4.public." + body + ".", offline.Malformed, "which key"},
		{"another PASETO", "v4.local." + body + "." + foot, offline.Malformed, "no licence"},
		{"cut in the middle", good[:len(good)/2], offline.Malformed, "cut"},
		{"a character of no licence", good[:100] + "!" + good[101:], offline.Malformed, "!"},
		{"a line is missing", strings.Join(lines[:3], "") + strings.Join(lines[4:], ""), offline.Malformed, "line 3 "},
		{"lines are swapped", lines[0] + lines[2] + lines[1] + strings.Join(lines[3:], ""), offline.Malformed, "line 1 "},
		{"no END", strings.Join(lines[:len(lines)-2], ""), offline.Malformed, "last line"},
		{"no BEGIN", strings.Join(lines[1:], ""), offline.Malformed, "beginning"},
		{"version 2 of the claims", signed(`{"v":2,"product":"meter"}`, "meter"), offline.VersionUnknown, ""},
		{"signed claims that break the rules", signed(`{"v":1,"license_id":"x","product":"meter"}`, "meter"), offline.ClaimsWrong, "issued_at"},
		{"signed for the product that it does not name", signed(`{"v":1,"license_id":"x","product":"gauge","issued_at":"2031-03-04T05:06:07Z","expires_at":"2032-03-04T05:06:07Z","licensee":{"company":"A","contact":""},"modules":[],"deployment":{"instance_type":0},"restrictions":{}}`, "meter"), offline.ProductOther, "gauge"},
		{"signed text that is no JSON", signed(`licence`, "meter"), offline.Malformed, "cannot be read"},
	} {
		v.Licences = append(v.Licences, vectorLicence{Name: b.name, Text: b.text, Reader: reader, Code: b.code, Says: b.says})
	}
	for name, text := range map[string]string{"answered": "> " + strings.ReplaceAll(armoured, "\n", "\r\n> "), "in one line": strings.ReplaceAll(armoured, "\n", " "), "long dashes": strings.ReplaceAll(armoured, "-----", "—")} {
		v.Licences = append(v.Licences, vectorLicence{Name: name, Text: text, Reader: reader, Node: "node-2"})
	}
	slices.SortStableFunc(v.Licences[len(v.Licences)-3:], func(a, b vectorLicence) int { return strings.Compare(a.Name, b.Name) })
}

func (v *vectors) makeSecrets(code, anotherCode string) {
	v.Secrets = []vectorSecret{
		{Name: "own install key", Licence: "full", InstallKey: "node-2", Secret: "unpack key of node-2"},
		{Name: "another node's", Licence: "full", InstallKey: "node-1", Code: offline.SecretClosed},
		{Name: "another machine's", Licence: "full", InstallKey: "elsewhere", Code: offline.SecretClosed},
		{Name: "none in it", Licence: "bound to nothing", InstallKey: "node-2", Code: offline.SecretMissing},
		{Name: "by code", Licence: "full", TypedCode: code, Secret: "unpack key under a code"},
		{Name: "by code, typed carelessly", Licence: "full", TypedCode: " " + strings.ToLower(strings.ReplaceAll(code, "-", " ")), Secret: "unpack key under a code"},
		{Name: "a mistyped code", Licence: "full", TypedCode: code[:len(code)-1], Code: offline.CodeTypo},
		{Name: "another code", Licence: "full", TypedCode: anotherCode, Code: offline.SecretClosed},
	}
}

func (v *vectors) makeRequests(t *testing.T) {
	t.Helper()
	good := func() *offline.Request {
		return &offline.Request{Version: 1, Product: "meter", Company: "Żuraw", Contact: "anna@zuraw.example", Modules: []string{"export"}, Users: 20, Nonce: strings.Repeat("A", 22), MadeAt: issued,
			Nodes: []offline.RequestNode{{Name: "node-1", PublicKey: v.InstallKeys["node-1"].Public, Components: parts("a1", "a2", "a3")}}}
	}
	add := func(name string, change func(*offline.Request), fields ...string) {
		r := good()
		change(r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		v.Requests = append(v.Requests, vectorRequest{Name: name, Text: string(text), Fields: fields})
	}
	add("good", func(*offline.Request) {})
	add("without install key", func(r *offline.Request) { r.Nodes[0].PublicKey = "" })
	add("nobody asks", func(r *offline.Request) { r.Company, r.Contact = "", " " }, "company", "contact")
	add("two nodes", func(r *offline.Request) { r.InstanceType = 1; r.Nodes = append(r.Nodes, r.Nodes[0]) }, "nodes", "nodes[1].name", "nodes[1].public_key")
	add("a wrong key", func(r *offline.Request) { r.Nodes[0].PublicKey = "AAAA" }, "nodes[0].public_key")
	v.Requests = append(v.Requests, vectorRequest{Name: "an unknown field", Text: `{"v":1,"firm":"A"}`, Code: offline.RequestWrong}, vectorRequest{Name: "cut", Text: `{"v":1`, Code: offline.RequestWrong})
}

// rawToken signs whatever text, as doc and PASETO say: an implementation of its own.
func rawToken(key ed25519.PrivateKey, claims, footer, product string) string {
	pae := "\x04\x00\x00\x00\x00\x00\x00\x00"
	for _, piece := range []string{"v4.public.", claims, footer, "guildhall offline licence v1\n" + product} {
		pae += string([]byte{byte(len(piece)), byte(len(piece) >> 8), 0, 0, 0, 0, 0, 0}) + piece
	}
	signature := ed25519.Sign(key, []byte(pae))
	return "v4.public." + base64.RawURLEncoding.EncodeToString(append([]byte(claims), signature...)) + "." + base64.RawURLEncoding.EncodeToString([]byte(footer))
}

// flip changes one character of base64url.
func flip(text string, at int) string {
	c := "A"
	if text[at] == 'A' {
		c = "B"
	}
	return text[:at] + c + text[at+1:]
}
