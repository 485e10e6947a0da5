package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/platform/app"
	"guildhall/platform/guildtest"
	"guildhall/platform/session"
	wire "guildhall/sdk/go/identity"
)

// office is identity's API with a client of an administrator.
type office struct {
	*issuance
	server *httptest.Server
	client *wire.Client
}

const adminToken = "letmein"

func openOffice(t testing.TB, url string) *office {
	t.Helper()
	o := &office{issuance: issuerOn(t, url)}
	mux := http.NewServeMux()
	o.operations(app.NewAPI(mux, Name, "test", issuer, slog.New(slog.DiscardHandler)))
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+adminToken {
			r = r.WithContext(session.With(r.Context(), session.Principal{ID: "break-glass:test", Name: "nightly import", Roles: []string{"identity.admin"}}))
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(o.server.Close)
	o.client = wire.New(wire.Options{URL: o.server.URL, Token: adminToken, HTTP: o.server.Client()})
	return o
}

func onBothOffices(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"sqlite": guildtest.SQLite, "postgres": guildtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, openOffice(t, url(t)))
		})
	}
}

func problemOf(err error) *wire.Problem {
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return p
	}
	return &wire.Problem{}
}

func TestAPIOfAnApplicationsLife(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		made, err := c.CreateApplication(ctx, wire.Metadata{Kind: "web", Name: "Shop", RedirectURIs: []string{callback}, AccessTokenLife: "5m"})
		ok(t, err)
		want := wire.Metadata{Kind: "web", Name: "Shop", RedirectURIs: []string{callback}, AccessTokenLife: "5m", Method: "client_secret_basic",
			GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}, Scopes: []string{"openid", "profile", "email", "offline_access"}}
		if diff := cmp.Diff(want, made.Metadata); diff != "" || made.State != "active" || len(made.Secret) != 43 {
			t.Errorf("made: %+v\n%s", made, diff)
		}
		read, err := c.Application(ctx, made.ID)
		ok(t, err)
		if diff := cmp.Diff(made.Application, *read); diff != "" {
			t.Error(diff)
		}

		o.Clock.Advance(time.Minute)
		read.PostLogoutURIs, read.AccessTokenLife, read.RefreshLife = []string{"https://shop.example/"}, "", "90d"
		changed, err := c.UpdateApplication(ctx, *read)
		ok(t, err)
		if diff := cmp.Diff(read.Metadata, changed.Metadata); diff != "" || !changed.ChangedAt.Equal(read.ChangedAt.Add(time.Minute)) {
			t.Errorf("%v\n%s", changed.ChangedAt, diff)
		}

		if _, err := c.UpdateApplication(ctx, *read); problemOf(err).Status != http.StatusConflict || problemOf(err).Code != "application_changed" {
			t.Errorf("change what somebody else has changed: %v", err)
		}
		whatever, err := c.UpdateApplication(ctx, wire.Application{ID: made.ID, Metadata: read.Metadata})
		if err != nil || !whatever.ChangedAt.Equal(changed.ChangedAt) {
			t.Errorf("take the place of whatever is there: %+v, %v", whatever, err)
		}

		next, err := c.RotateSecret(ctx, made.ID, wire.SecretRequest{Overlap: "24h"})
		ok(t, err)
		if next.OldExpires == nil || !next.OldExpires.Equal(o.Clock.Now().Add(24*time.Hour)) {
			t.Errorf("the old secret ends %v", next.OldExpires)
		}
		for _, secret := range []string{made.Secret, next.Secret} {
			if _, good, err := o.clients.GetWith(ctx, made.ID, secret); err != nil || !good {
				t.Errorf("a secret within the overlap: %v, %v", good, err)
			}
		}
		last, err := c.RotateSecret(ctx, made.ID, wire.SecretRequest{Compromised: true})
		if err != nil || last.OldExpires != nil {
			t.Errorf("rotated: %+v, %v", last, err)
		}
		if _, good, err := o.clients.GetWith(ctx, made.ID, next.Secret); err != nil || good {
			t.Errorf("a compromised secret: %v, %v", good, err)
		}

		for range 2 { // repeating is harmless
			if off, err := c.DisableApplication(ctx, made.ID); err != nil || off.State != "disabled" {
				t.Errorf("disable: %+v, %v", off, err)
			}
		}
		if on, err := c.EnableApplication(ctx, made.ID); err != nil || on.State != "active" {
			t.Errorf("enable: %+v, %v", on, err)
		}
		ok(t, c.RemoveApplication(ctx, made.ID))
		for name, err := range map[string]error{
			"read":   second(c.Application(ctx, made.ID)),
			"change": second(c.UpdateApplication(ctx, *read)),
			"rotate": second(c.RotateSecret(ctx, made.ID, wire.SecretRequest{})),
			"remove": c.RemoveApplication(ctx, made.ID),
		} {
			if p := problemOf(err); p.Status != http.StatusNotFound || p.Code != "application_not_found" {
				t.Errorf("%s what is removed: %v", name, err)
			}
		}

		list, err := c.Audit(ctx, wire.AuditRequest{Subject: made.ID})
		ok(t, err)
		var actions []string
		for _, e := range slices.Backward(list.Entries) {
			actions = append(actions, e.Action)
			if e.Actor != "break-glass:test" || e.Detail["actor_name"] != "nightly import" || e.From != "127.0.0.1" {
				t.Errorf("who did it: %+v", e)
			}
		}
		if want := []string{"application.created", "application.changed", "application.secret_rotated", "application.secret_rotated",
			"application.disabled", "application.enabled", "application.removed"}; !slices.Equal(actions, want) {
			t.Errorf("audit log: %q", actions)
		}
		var export bytes.Buffer
		ok(t, c.ExportAudit(ctx, &export))
		for _, secret := range []string{made.Secret, next.Secret, last.Secret} {
			if strings.Contains(export.String(), secret) {
				t.Error("a secret is in the audit log")
			}
		}
		if report, err := c.VerifyAudit(ctx, wire.AuditVerifyRequest{}); err != nil || !report.OK || report.Rows < 7 {
			t.Errorf("verify: %+v, %v", report, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// Every kind is made from a name, and where people are sent from it a redirect URI.
func TestAPIPresets(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	for kind, m := range map[string]wire.Metadata{"web": {RedirectURIs: []string{callback}}, "spa": {RedirectURIs: []string{callback}},
		"native": {RedirectURIs: []string{"com.example.shop:/callback", "http://127.0.0.1/callback"}}, "device": {}, "service": {}} {
		m.Kind, m.Name = kind, "The "+kind
		made, err := o.client.CreateApplication(t.Context(), m)
		ok(t, err)
		if secret := kind == "web" || kind == "service"; made.Kind != kind || (made.Secret != "") != secret {
			t.Errorf("%s: %+v", kind, made)
		}
	}
	bare, err := o.client.CreateApplication(t.Context(), wire.Metadata{Kind: "web", Name: "Bare", RedirectURIs: []string{callback}, Scopes: []string{}})
	if err != nil || bare.Scopes != nil {
		t.Errorf("without scopes: %+v, %v", bare, err)
	}
	made, err := o.client.CreateApplication(t.Context(), wire.Metadata{Kind: "service", Name: "Robot", Method: "private_key_jwt",
		JWKS: json.RawMessage(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)})
	if err != nil || made.Secret != "" {
		t.Errorf("with a key: %+v, %v", made, err)
	}
	list, err := o.client.Applications(t.Context(), wire.ApplicationRequest{Text: "THE ", Limit: 2, Offset: 1})
	if err != nil || list.Total != 5 || len(list.Applications) != 2 || list.Applications[0].Name != "The native" {
		t.Errorf("list: %+v, %v", list, err)
	}
	if list, err = o.client.Applications(t.Context(), wire.ApplicationRequest{State: "disabled"}); err != nil || list.Total != 0 || list.Applications == nil {
		t.Errorf("disabled ones: %+v, %v", list, err)
	}
	_, err = o.client.RotateSecret(t.Context(), made.ID, wire.SecretRequest{})
	if p := problemOf(err); p.Status != http.StatusConflict || p.Code != "application_no_secret" {
		t.Errorf("a secret for what has none: %v", err)
	}
}

// What a read answers can be sent back as it is.
func TestAPIGivesBackWhatItTakes(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	made, err := o.client.CreateApplication(t.Context(), wire.Metadata{Kind: "web", Name: "Shop", RedirectURIs: []string{callback}, Trusted: true})
	ok(t, err)
	path := "/api/v1/applications/" + made.ID
	_, before := o.send(t, http.MethodGet, path, "")
	status, after := o.send(t, http.MethodPut, path, before)
	if status != http.StatusOK || after != before {
		t.Errorf("%d\n%s\n%s", status, before, after)
	}
	status, text := o.send(t, http.MethodPut, path, `{"kind":"web"}`)
	var p wire.Problem
	ok(t, json.Unmarshal([]byte(text), &p))
	if status != http.StatusUnprocessableEntity || len(p.Fields) < 3 {
		t.Errorf("without anything: %d %s", status, text)
	}
}

// send sends raw bytes, as somebody would who does not use the client.
func (o *office) send(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, o.server.URL+path, strings.NewReader(body))
	ok(t, err)
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", "application/json")
	answer, err := o.server.Client().Do(r)
	ok(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	ok(t, err)
	if answer.StatusCode >= 400 && answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s: %d with %s: %s", method, path, answer.StatusCode, answer.Header.Get("Content-Type"), text)
	}
	if strings.Contains(string(text), "client_secret\":") && answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s: a cache may keep the secret", method, path)
	}
	return answer.StatusCode, string(text)
}

func TestAPIRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	const path = "/api/v1/applications"
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		field, code        string
	}{
		"not JSON":        {"POST", path, `{`, 400, "body", "malformed"},
		"no kind":         {"POST", path, `{"client_name":"x"}`, 422, "kind", "unknown"},
		"a bad kind":      {"POST", path, `{"kind":"wep","client_name":"x"}`, 422, "kind", "not_allowed"},
		"no name":         {"POST", path, `{"kind":"service"}`, 422, "client_name", "required"},
		"a misspelt name": {"POST", path, `{"kind":"web","client_nam":"x"}`, 422, "client_nam", "unknown"},
		"a wildcard":      {"POST", path, `{"kind":"web","client_name":"x","redirect_uris":["https://*.shop.example/"]}`, 422, "redirect_uris[0]", "uri"},
		"a bad grant":     {"POST", path, `{"kind":"service","client_name":"x","grant_types":["magic"]}`, 422, "grant_types[0]", "not_allowed"},
		"no duration":     {"POST", path, `{"kind":"service","client_name":"x","access_token_life":"soon"}`, 422, "access_token_life", "invalid_duration"},
		"too long a life": {"POST", path, `{"kind":"service","client_name":"x","access_token_life":"2d"}`, 422, "access_token_life", "out_of_bounds"},
		"a NUL":           {"POST", path, `{"kind":"service","client_name":"\u0000"}`, 422, "client_name", "not_text"},
		"a private key":   {"POST", path, `{"kind":"service","client_name":"x","token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}}`, 422, "jwks", "keys"},
		"too large":       {"POST", path, `{"client_name":"` + strings.Repeat("a", 70<<10) + `"}`, 413, "", ""},
		"a bad overlap":   {"POST", path + "/app_1/rotate-secret", `{"overlap":"40d"}`, 422, "overlap", "out_of_bounds"},
		"no overlap":      {"POST", path + "/app_1/rotate-secret", `{"overlap":"long"}`, 422, "overlap", "invalid_duration"},
		"a bad state":     {"GET", path + "?state=on", ``, 422, "state", "not_allowed"},
		"a bad action":    {"GET", "/api/v1/audit?action=application.mad", ``, 422, "action", "not_allowed"},
		"nobody's":        {"DELETE", path + "/app_1", ``, 404, "", ""},
	} {
		status, text := o.send(t, c.method, c.path, c.body)
		var p wire.Problem
		ok(t, json.Unmarshal([]byte(text), &p))
		field, code := "", ""
		if len(p.Fields) > 0 {
			field, code = p.Fields[0].Name, p.Fields[0].Code
		}
		if status != c.status || field != c.field || code != c.code || p.Detail == "" || strings.Contains(text, "c2VjcmV0") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if list, err := o.client.Applications(t.Context(), wire.ApplicationRequest{}); err != nil || list.Total != 0 {
		t.Errorf("what was refused left %+v, %v", list, err)
	}
}

func TestAPIIsForAdministrators(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	nobody := wire.New(wire.Options{URL: o.server.URL, HTTP: o.server.Client()})
	for name, err := range map[string]error{
		"applications": second(nobody.Applications(t.Context(), wire.ApplicationRequest{})),
		"create":       second(nobody.CreateApplication(t.Context(), wire.Metadata{Kind: "service", Name: "x"})),
		"keys":         second(nobody.Keys(t.Context())),
		"replace":      second(nobody.ReplaceKeys(t.Context())),
		"audit":        second(nobody.Audit(t.Context(), wire.AuditRequest{})),
	} {
		if p := problemOf(err); p.Status != http.StatusUnauthorized || p.Code != "unauthenticated" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPIOfKeys(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		states := func(list *wire.KeyList, err error) string {
			t.Helper()
			ok(t, err)
			var all []string
			for _, k := range list.Keys {
				if (k.State == "signing" || k.State == "published") != !k.SignsFrom.After(o.Clock.Now()) || (k.SignsUntil == nil) != (k.PublishedUntil == nil) {
					t.Errorf("times: %+v", k)
				}
				all = append(all, k.Algorithm+" "+k.State)
			}
			return strings.Join(all, ", ")
		}
		if got := states(o.client.Keys(t.Context())); got != "ES256 signing, EdDSA signing, RS256 signing" {
			t.Errorf("first: %s", got)
		}
		o.Clock.Advance(time.Minute)
		if got := states(o.client.RotateKeys(t.Context())); got != "ES256 signing, ES256 announced, EdDSA signing, EdDSA announced, RS256 signing, RS256 announced" {
			t.Errorf("rotated: %s", got)
		}
		_, err := o.client.RotateKeys(t.Context())
		if p := problemOf(err); p.Status != http.StatusConflict || p.Code != "keys_announced" {
			t.Errorf("rotated again: %v", err)
		}
		if got := states(o.client.ReplaceKeys(t.Context())); got != "ES256 signing, EdDSA signing, RS256 signing" {
			t.Errorf("replaced: %s", got)
		}
	})
}

// FuzzAPIBodies: whatever the body, the answer is a success or a problem document
// that is not our fault, and what is taken can be read again.
func FuzzAPIBodies(f *testing.F) {
	o := openOffice(f, guildtest.SQLite(f))
	made, err := o.client.CreateApplication(f.Context(), wire.Metadata{Kind: "service", Name: "Robot"})
	ok(f, err)
	paths := []string{"/api/v1/applications", "/api/v1/applications/" + made.ID, "/api/v1/applications/" + made.ID + "/rotate-secret",
		"/api/v1/users", "/api/v1/users/" + o.anna.ID + "/reset", "/api/v1/users/" + o.anna.ID + "/disable"}
	for i, body := range []string{`{"kind":"web","client_name":"x","redirect_uris":["https://a.example/"],"access_token_life":"5m","jwks":null}`,
		`{"kind":"service","client_name":"x","token_endpoint_auth_method":"client_secret_post","grant_types":["client_credentials"],"scopes":["a"]}`,
		`{"overlap":"1h","compromised":false}`, `{"email":"b@example.com","name":"B","language":"pl","one_time_password":true}`, `{"how":"letter"}`, `{"reason":"left"}`,
		`{"jwks":{"keys":[{}]}}`, `[]`, `null`, "\xff", `{"client_name":""}`} {
		f.Add(uint8(i), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		path, method := paths[int(which)%len(paths)], http.MethodPost
		if path == paths[1] {
			method = http.MethodPut
		}
		r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+adminToken)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		o.server.Config.Handler.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		_, err := o.client.Applications(t.Context(), wire.ApplicationRequest{Limit: 500})
		_, unread := o.client.Users(t.Context(), wire.UserRequest{Limit: 500})
		if err := errors.Join(err, unread); err != nil {
			t.Fatalf("after %s %s with %q: %v", method, path, body, err)
		}
	})
}

// Programs tell errors apart by their codes: each that the API of applications and
// keys may answer with stands in the guide.
func TestTheGuideListsTheCodesOfTheAPI(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/guides/api.md")
	ok(t, err)
	pattern := regexp.MustCompile(`(?:fault\.New\(fault\.\w+,\s*|Code:\s*|\.add\([^"]*"[^"]*"(?:, i\))?,\s*)"([a-z0-9_]+)"`)
	known := map[string]bool{}
	for _, glob := range []string{"api*.go", "wire.go", "internal/client/*.go", "internal/signing/*.go", "internal/store/clients.go", "internal/group/*.go", "internal/store/groups.go"} {
		files, err := filepath.Glob(glob)
		ok(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			ok(t, err)
			for _, found := range pattern.FindAllSubmatch(text, -1) {
				known[string(found[1])] = true
			}
		}
	}
	for code := range known {
		if !strings.Contains(string(guide), "`"+code+"`") {
			t.Errorf("docs/guides/api.md does not list `%s`", code)
		}
	}
	if len(known) < 15 {
		t.Errorf("only %d codes were found", len(known))
	}
}
