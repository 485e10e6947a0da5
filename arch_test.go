package guildhall_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what "go list" tells of a package.
type pkg struct {
	ImportPath, Dir, Doc               string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
	Deps                               []string
}

// rule is one law of the architecture. Its check names what breaks it.
type rule struct {
	name, reason string
	check        func(p pkg) []string
}

// services are the names of the services, built or planned.
var services = []string{"ca", "identity", "bank", "shop", "license", "deploy", "chat"}

// dependencies are the modules that our code may import, with their purpose.
// A new one is a decision: what the standard library lacks, how much it brings
// along, who maintains it. It gets its line here in the same commit.
var dependencies = map[string]string{
	"aidanwoods.dev/go-paseto":            "tests: another PASETO",
	"filippo.io/age":                      "encrypted backups",
	"github.com/a-h/templ":                "typed HTML templates",
	"github.com/alecthomas/kong":          "command line",
	"github.com/boombuler/barcode":        "QR codes for authenticators",
	"github.com/chromedp/cdproto":         "tests: Chromium",
	"github.com/chromedp/chromedp":        "tests: Chromium",
	"github.com/coreos/go-oidc/v3":        "tests: a client of OpenID Connect",
	"github.com/danielgtaylor/huma/v2":    "typed REST and its OpenAPI description",
	"github.com/emersion/go-sasl":         "tests: signing in to a mail server",
	"github.com/emersion/go-smtp":         "tests: a mail server",
	"github.com/descope/virtualwebauthn":  "tests: an authenticator with passkeys",
	"github.com/go-jose/go-jose/v4":       "signed tokens (JOSE) and their keys",
	"github.com/go-ldap/ldap/v3":          "LDAP client: Active Directory and other directories",
	"github.com/go-webauthn/webauthn":     "passkeys (WebAuthn)",
	"github.com/google/go-cmp":            "tests: differences",
	"github.com/google/uuid":              "sortable ids (UUIDv7)",
	"github.com/hashicorp/golang-lru/v2":  "a bounded memory of who was asked about last",
	"github.com/jackc/pgx/v5":             "PostgreSQL",
	"github.com/johannesboyne/gofakes3":   "tests: a server of the protocol S3",
	"github.com/nicksnyder/go-i18n/v2":    "catalogues and plurals",
	"github.com/pquerna/otp":              "codes of authenticators (TOTP)",
	"github.com/pressly/goose/v3":         "migrations",
	"github.com/prometheus/client_golang": "metrics",
	"github.com/redis/rueidis":            "Valkey or Redis, where several nodes count together",
	"github.com/rogpeppe/go-internal":     "tests: scripts of the command line",
	"github.com/wneessen/go-mail":         "SMTP client, MIME",
	"github.com/tetratelabs/wazero":       "functions of license: WebAssembly in a sandbox",
	"go.yaml.in/yaml/v4":                  "the configuration file",
	"golang.org/x/crypto":                 "OCSP, scrypt, ChaCha20-Poly1305",
	"golang.org/x/image":                  "pictures of accounts: WebP, scaling",
	"golang.org/x/mod":                    "transparency log and signed notes",
	"golang.org/x/net":                    "HTTP/2 details, IDNA",
	"golang.org/x/oauth2":                 "tests: a client of OAuth 2.0",
	"golang.org/x/sync":                   "groups of goroutines",
	"golang.org/x/sys":                    "free disk space",
	"golang.org/x/text":                   "numbers and dates by language",
	"modernc.org/sqlite":                  "SQLite without cgo",
	"pgregory.net/rapid":                  "tests: properties",
	"software.sslmate.com/src/go-pkcs12":  "PKCS#12 downloads",
}

// importRules are the laws of who may know whom.
var importRules = []rule{
	{"every package has a room", "a newcomer finds a thing by the layout: platform, a service, sdk, cmd, e2e or bench; there is no other place", func(p pkg) []string {
		rooms := append([]string{"platform", "sdk", "cmd", "e2e", "bench", "examples", ""}, services...)
		if !slices.Contains(rooms, room(p.ImportPath)) {
			return []string{p.ImportPath}
		}
		return nil
	}},
	{"sdk/go needs the standard library alone", "customers put it into their programs: whatever it brings along becomes theirs to watch", func(p pkg) []string {
		if !within(p.ImportPath, "guildhall/sdk/go") {
			return nil
		}
		return pick(append(p.Deps, p.Imports...), func(i string) bool { return !standard(i) && !within(i, "guildhall/sdk/go") })
	}},
	{"platform knows no service", "the platform is what services stand on; one that knows them could not carry the next one", func(p pkg) []string {
		if room(p.ImportPath) != "platform" {
			return nil
		}
		return pick(all(p), func(i string) bool { return isService(room(i)) || room(i) == "cmd" })
	}},
	{"services meet over the wire alone", "each is a trust domain that can run on a host of its own: a shared package is a way around mutual TLS, authorisation and time-outs; use sdk/go/<service>", func(p pkg) []string {
		own := room(p.ImportPath)
		if !isService(own) {
			return nil
		}
		return pick(all(p), func(i string) bool { return isService(room(i)) && room(i) != own || room(i) == "cmd" })
	}},
	{"nobody imports cmd, e2e or bench", "they are on top: what somebody wants of them belongs below", func(p pkg) []string {
		own := room(p.ImportPath)
		return pick(all(p), func(i string) bool {
			return slices.Contains([]string{"cmd", "e2e", "bench"}, room(i)) && room(i) != own
		})
	}},
	{"internal/<noun> speaks no HTTP", "behaviour is tested and read without requests; api.go, pages.go and platform speak HTTP for it", func(p pkg) []string {
		if !strings.Contains(p.ImportPath, "/internal/") {
			return nil
		}
		return pick(p.Imports, func(i string) bool { return i == "net/http" })
	}},
	{"only listed modules", "a dependency is a decision: write its purpose into the list in arch_test.go", func(p pkg) []string {
		return pick(all(p), func(i string) bool { return !standard(i) && !within(i, "guildhall") && !listed(i) })
	}},
	{"every package says what it is", "the doc comment is where a newcomer starts", func(p pkg) []string {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			return []string{"no package comment"}
		}
		return nil
	}},
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	packages := list(t)
	if len(packages) < 10 {
		t.Fatalf("go list found only %d packages", len(packages))
	}
	for _, r := range slices.Concat(importRules, stateRules) {
		for _, p := range packages {
			for _, found := range r.check(p) {
				t.Errorf("%s: %s\n\tthe rule: %s\n\tbecause %s", p.ImportPath, found, r.name, r.reason)
			}
		}
	}
}

// A rule that finds nothing in a planted violation would find nothing at all.
func TestEachImportRuleCatchesItsViolation(t *testing.T) {
	t.Parallel()
	planted := map[string][]pkg{
		"every package has a room": {{ImportPath: "guildhall/utils"}, {ImportPath: "guildhall/pkg/x"}},
		"sdk/go needs the standard library alone": {
			{ImportPath: "guildhall/sdk/go/ca", Imports: []string{"guildhall/platform/fault"}},
			{ImportPath: "guildhall/sdk/go/ca", Deps: []string{"net/http", "github.com/google/uuid"}}},
		"platform knows no service": {
			{ImportPath: "guildhall/platform/app", Imports: []string{"guildhall/ca"}},
			{ImportPath: "guildhall/platform/app", TestImports: []string{"guildhall/bank/internal/ledger"}},
			{ImportPath: "guildhall/platform/app", XTestImports: []string{"guildhall/cmd/guildhall"}}},
		"services meet over the wire alone": {
			{ImportPath: "guildhall/shop", Imports: []string{"guildhall/bank"}},
			{ImportPath: "guildhall/shop/internal/order", XTestImports: []string{"guildhall/ca/internal/crl"}},
			{ImportPath: "guildhall/ca", Imports: []string{"guildhall/cmd/guildhall"}}},
		"nobody imports cmd, e2e or bench": {{ImportPath: "guildhall/sdk/go/ca", Imports: []string{"guildhall/e2e"}}},
		"internal/<noun> speaks no HTTP":   {{ImportPath: "guildhall/ca/internal/crl", Imports: []string{"net/http"}}},
		"only listed modules": {
			{ImportPath: "guildhall/ca", Imports: []string{"github.com/stretchr/testify/assert"}},
			{ImportPath: "guildhall/ca", Imports: []string{"github.com/google/uuidx"}}},
		"every package says what it is": {{ImportPath: "guildhall/ca", GoFiles: []string{"ca.go"}}},
	}
	innocent := []pkg{
		{ImportPath: "guildhall/sdk/go/ca", Doc: "x", GoFiles: []string{"x.go"}, Imports: []string{"net/http"}, Deps: []string{"vendor/golang.org/x/net/idna", "guildhall/sdk/go"}},
		{ImportPath: "guildhall/shop", Doc: "x", GoFiles: []string{"x.go"}, Imports: []string{"guildhall/sdk/go/bank", "guildhall/shop/internal/order", "guildhall/platform/db", "net/http", "github.com/jackc/pgx/v5/stdlib"}},
		{ImportPath: "guildhall/shop/internal/order", Doc: "x", TestImports: []string{"net/http"}},
		{ImportPath: "guildhall", XTestImports: []string{"os"}},
	}
	for _, r := range importRules {
		if len(planted[r.name]) == 0 {
			t.Errorf("no violation is planted for the rule %q", r.name)
		}
		for i, p := range planted[r.name] {
			if len(r.check(p)) == 0 {
				t.Errorf("the rule %q does not catch planted violation %d", r.name, i)
			}
		}
		for _, p := range innocent {
			if found := r.check(p); len(found) > 0 {
				t.Errorf("the rule %q accuses %s of %v", r.name, p.ImportPath, found)
			}
		}
	}
}

func TestEachListedModuleIsImported(t *testing.T) {
	t.Parallel()
	var imports []string
	for _, p := range list(t) {
		imports = append(imports, all(p)...)
	}
	for module := range dependencies {
		if !slices.ContainsFunc(imports, func(i string) bool { return within(i, module) }) {
			t.Errorf("%s is listed and nothing imports it: remove its line", module)
		}
	}
}

// list is every package of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,Doc,GoFiles,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// room is the first folder of a package of ours, "" for everything else.
func room(importPath string) string {
	rest, ours := strings.CutPrefix(importPath, "guildhall/")
	if !ours {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	return strings.TrimSuffix(first, "_test")
}

func isService(name string) bool { return slices.Contains(services, name) }

func within(importPath, tree string) bool {
	return importPath == tree || strings.HasPrefix(importPath, tree+"/")
}

// standard says whether a package is the standard library's: those alone have
// no dot in their first element.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".") && first != "guildhall"
}

func listed(importPath string) bool {
	for module := range dependencies {
		if within(importPath, module) {
			return true
		}
	}
	return false
}

// all is what a package and its tests import.
func all(p pkg) []string { return slices.Concat(p.Imports, p.TestImports, p.XTestImports) }

func pick(imports []string, wrong func(string) bool) []string {
	var found []string
	for _, i := range imports {
		if wrong(i) {
			found = append(found, fmt.Sprintf("imports %s", i))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
