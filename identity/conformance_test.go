package identity

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/oauth"
)

// asks sends anna's browser to the authorization endpoint with some parameters
// changed or, where empty, left out; what comes back is the answer.
func (p *party) asks(t *testing.T, pairs ...string) (back url.Values, verifier string) {
	t.Helper()
	verifier, address := p.asking(pairs...)
	return p.browse(t, address), verifier
}

func (p *party) asking(pairs ...string) (verifier, address string) {
	verifier, challenge := pkce()
	asked := values("response_type", "code", "client_id", p.ID, "redirect_uri", callback, "scope", "openid profile email", "state", "s-1",
		"nonce", "n-1", "code_challenge", challenge, "code_challenge_method", "S256")
	for i := 0; i+1 < len(pairs); i += 2 {
		if asked.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			asked.Del(pairs[i])
		}
	}
	return verifier, authorizePath + "?" + asked.Encode()
}

// signsInWith is the code flow with some parameters changed; what comes back are the
// answer and the claims of the ID token.
func (p *party) signsInWith(t *testing.T, pairs ...string) (reply, map[string]any) {
	t.Helper()
	got := p.signsIn(t, pairs...)
	return got, p.verified(t, got.text("id_token"), "JWT")
}

// shows is the page that anna's browser sees, and its address.
func (i *issuance) shows(t *testing.T, address string) (reply, string) {
	t.Helper()
	for range 5 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer+address, nil)
		ok(t, err)
		r.Header.Set("Accept", "text/html")
		r.AddCookie(i.cookie)
		res := i.send(t, r)
		if res.Header.Get("Location") == "" {
			return res, address
		}
		var ours bool
		if address, ours = strings.CutPrefix(res.Header.Get("Location"), issuer); !ours && !strings.HasPrefix(address, "/") {
			t.Fatalf("she is sent to %s", address)
		}
	}
	t.Fatalf("too many redirects, the last to %s", address)
	return reply{}, ""
}

// TestBasicProfile has what the modules of the conformance suite's plan for Basic
// OpenID Providers look for, under their names.
func TestBasicProfile(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	for _, module := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"oidcc-server", func(t *testing.T) {
			got, said := shop.signsInWith(t)
			for _, claim := range []string{"exp", "iat", "auth_time"} {
				if _, number := said[claim].(float64); !number {
					t.Errorf("%s is %v", claim, said[claim])
				}
			}
			if said["iss"] != issuer || said["aud"] != shop.ID || said["sub"] != i.anna.ID || said["nonce"] != "n-1" {
				t.Errorf("the ID token is %v", said)
			}
			if got.text("token_type") != "Bearer" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("answered %s, %v", got.Text, got.Header)
			}
		}},
		{"oidcc-response-type-missing", func(t *testing.T) {
			if back, _ := shop.asks(t, "response_type", ""); back.Get("error") != oauth.InvalidRequest || back.Get("state") != "s-1" {
				t.Errorf("answered %v", back)
			}
		}},
		{"oidcc-idtoken-unsigned", func(t *testing.T) {
			m := shop.Metadata
			m.IDTokenAlgorithm = "none"
			if _, _, err := i.clients.Create(t.Context(), m, identitytest.By); err == nil {
				t.Error("an application has ID tokens without signature")
			}
		}},
		{"oidcc-userinfo", func(t *testing.T) {
			token := shop.signsIn(t).text("access_token")
			bearer := http.Header{"Authorization": {"Bearer " + token}}
			for how, got := range map[string]reply{"get": i.call(t, userinfoPath, nil, bearer), "post-header": i.call(t, userinfoPath, url.Values{}, bearer),
				"post-body": i.call(t, userinfoPath, values("access_token", token), nil)} {
				if got.fine(t).text("sub") != i.anna.ID {
					t.Errorf("%s: %s", how, got.Text)
				}
			}
		}},
		{"oidcc-ensure-request-without-nonce-succeeds-for-code-flow", func(t *testing.T) {
			if _, said := shop.signsInWith(t, "nonce", ""); said["nonce"] != nil {
				t.Errorf("the ID token is %v", said)
			}
		}},
		{"oidcc-scope", func(t *testing.T) {
			for scope, claims := range map[string][]string{"openid profile": {"name", "locale"}, "openid email": {"email", "email_verified"},
				"email openid profile": {"name", "email"}} {
				got := i.person(t, shop.signsIn(t, "scope", scope).text("access_token")).fine(t)
				for _, claim := range claims {
					if got.Body[claim] == nil {
						t.Errorf("%s: no %s in %s", scope, claim, got.Text)
					}
				}
			}
		}},
		{"oidcc-scope-address and -phone", func(t *testing.T) {
			there := i.call(t, "/.well-known/openid-configuration", nil, nil).fine(t).Text
			if strings.Contains(there, `"address"`) || strings.Contains(there, `"phone"`) {
				t.Error("discovery lists scopes that tell nothing")
			}
			// What is not known is not granted, and does no harm.
			for _, scope := range []string{"address", "phone"} {
				got := shop.signsIn(t, "scope", "openid "+scope)
				if told := i.person(t, got.text("access_token")).fine(t); got.text("scope") != "openid" || len(told.Body) != 1 {
					t.Errorf("%s: granted %q, userinfo is %s", scope, got.text("scope"), told.Text)
				}
			}
		}},
		{"parameters that change nothing", func(t *testing.T) {
			for name, value := range map[string]string{"display": "page", "login_hint": i.anna.Email, "ui_locales": "se", "claims_locales": "se",
				"acr_values": "1 2", "extra": "foobar", "max_age": "10000"} {
				if _, said := shop.signsInWith(t, name, value); said["sub"] != i.anna.ID {
					t.Errorf("%s: %v", name, said)
				}
			}
			shop.signsIn(t, "display", "popup")
		}},
		{"oidcc-prompt-login", func(t *testing.T) {
			i.Clock.Advance(time.Second)
			_, address := shop.asking("prompt", "login")
			if page, at := i.shows(t, address); !strings.HasPrefix(at, "/confirm?") || page.StatusCode != http.StatusOK {
				t.Errorf("she is at %s", at)
			}
		}},
		{"oidcc-prompt-none-not-logged-in", func(t *testing.T) {
			stranger := *shop
			alone := *i
			alone.cookie = &http.Cookie{Name: "lang", Value: "en"}
			stranger.issuance = &alone
			if back, _ := stranger.asks(t, "prompt", "none"); back.Get("error") != oauth.LoginRequired {
				t.Errorf("answered %v", back)
			}
		}},
		{"oidcc-prompt-none-logged-in", func(t *testing.T) {
			_, first := shop.signsInWith(t)
			i.Clock.Advance(time.Second)
			if _, said := shop.signsInWith(t, "prompt", "none"); said["sub"] != first["sub"] || said["auth_time"] != first["auth_time"] {
				t.Errorf("%v, then %v", first, said)
			}
		}},
		{"oidcc-max-age-1", func(t *testing.T) {
			i.Clock.Advance(2 * time.Second)
			_, address := shop.asking("max_age", "1")
			if _, at := i.shows(t, address); !strings.HasPrefix(at, "/confirm?") {
				t.Errorf("she is at %s", at)
			}
		}},
		{"oidcc-id-token-hint", func(t *testing.T) {
			hint := shop.signsIn(t).text("id_token")
			if _, said := shop.signsInWith(t, "id_token_hint", hint, "prompt", "none"); said["sub"] != i.anna.ID {
				t.Errorf("the ID token is %v", said)
			}
		}},
		{"oidcc-codereuse-30seconds", func(t *testing.T) {
			code, verifier := shop.code(t)
			token := shop.redeem(t, code, verifier).fine(t).text("access_token")
			i.Clock.Advance(31 * time.Second)
			shop.redeem(t, code, verifier).refuses(t, "once more", oauth.InvalidGrant)
			i.person(t, token).refuses(t, "after it", oauth.InvalidToken)
		}},
		{"oidcc-ensure-registered-redirect-uri", func(t *testing.T) {
			_, address := shop.asking("redirect_uri", "https://evil.example/")
			if page, at := i.shows(t, address); page.StatusCode != http.StatusBadRequest || !strings.HasPrefix(at, authorizePath) {
				t.Errorf("status %d at %s", page.StatusCode, at)
			}
		}},
		{"oidcc-ensure-post-request-succeeds", func(t *testing.T) {
			_, address := shop.asking()
			asked, err := url.Parse(address)
			ok(t, err)
			posted := i.call(t, authorizePath, asked.Query(), http.Header{"Sec-Fetch-Site": {"cross-site"}})
			if back := i.browse(t, strings.TrimPrefix(posted.Header.Get("Location"), issuer)); back.Get("code") == "" {
				t.Errorf("answered %v", back)
			}
		}},
		{"oidcc-server-client-secret-post", func(t *testing.T) {
			i.application(t, client.Web, func(m *client.Metadata) { m.Method = oauth.MethodPost }).signsIn(t)
		}},
		{"oidcc-request-uri-unsigned and oidcc-unsigned-request-object", func(t *testing.T) {
			for name, x := range map[string][2]string{"request": {"eyJhbGciOiJub25lIn0.e30.", oauth.RequestNotSupported},
				"request_uri": {"https://shop.example/request", oauth.RequestURINotSupported}} {
				if back, _ := shop.asks(t, name, x[0]); back.Get("error") != x[1] {
					t.Errorf("%s: %v", name, back)
				}
			}
		}},
		{"oidcc-claims-essential", func(t *testing.T) {
			got := shop.signsIn(t, "claims", `{"id_token":{"email":{"essential":true}},"userinfo":{"name":{"essential":true}}}`)
			if said := i.verified(t, got.text("id_token"), "JWT"); said["email"] != i.anna.Email {
				t.Errorf("the ID token is %v", said)
			}
			if told := i.person(t, got.text("access_token")).fine(t); told.text("name") != i.anna.Name {
				t.Errorf("userinfo is %s", told.Text)
			}
		}},
		{"oidcc-refresh-token", func(t *testing.T) {
			got, first := shop.signsInWith(t)
			said := i.verified(t, shop.refresh(t, got.text("refresh_token")).fine(t).text("id_token"), "JWT")
			for _, claim := range []string{"iss", "sub", "aud", "azp", "auth_time"} {
				if said[claim] != first[claim] {
					t.Errorf("%s: %v, then %v", claim, first[claim], said[claim])
				}
			}
		}},
	} {
		t.Run(module.name, module.run)
	}
}

// TestConfigProfile has what oidcc-discovery-endpoint-verification looks for, and its
// companions for signing out.
func TestConfigProfile(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	var there map[string]any
	ok(t, json.Unmarshal([]byte(i.call(t, "/.well-known/openid-configuration", nil, nil).fine(t).Text), &there))
	for name, value := range there {
		if text, one := value.(string); one && (strings.HasSuffix(name, "_endpoint") || name == "jwks_uri") && !strings.HasPrefix(text, issuer+"/") {
			t.Errorf("%s is %s", name, text)
		}
	}
	for name, has := range map[string]string{"scopes_supported": "openid", "response_types_supported": "code", "subject_types_supported": "public",
		"id_token_signing_alg_values_supported": "RS256", "claims_supported": "sub", "grant_types_supported": "authorization_code"} {
		list, _ := there[name].([]any)
		found := false
		for _, value := range list {
			found = found || value == has
		}
		if !found {
			t.Errorf("%s is %v, without %s", name, list, has)
		}
	}
	for _, name := range []string{"claims_parameter_supported", "backchannel_logout_supported", "backchannel_logout_session_supported"} {
		if there[name] != true {
			t.Errorf("%s is %v", name, there[name])
		}
	}
	if there["issuer"] != issuer || there["end_session_endpoint"] != issuer+logoutPath || there["request_uri_parameter_supported"] != false {
		t.Errorf("discovery is %v", there)
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	ok(t, json.Unmarshal([]byte(i.call(t, jwksPath, nil, nil).fine(t).Text), &set))
	for _, key := range set.Keys {
		if key["kid"] == nil || key["alg"] == nil || key["d"] != nil {
			t.Errorf("a key is %v", key)
		}
	}
}

// TestLogoutProfile has what the plan for RP-Initiated Logout looks for beyond the
// tests of logout_test.go.
func TestLogoutProfile(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	anna := h.person(t, "anna@example.com")
	shop := h.application(t, "", false)
	b := h.signedIn(t, anna)
	h.uses(t, b, shop)
	b.get(t, logoutURL("state", "s")).wants(t, http.StatusOK, "Do you want to sign out?")             // only-state
	b.get(t, logoutURL("id_token_hint", "x")).wants(t, http.StatusBadRequest, "id_token_hint")        // bad-id-token-hint
	b.get(t, logoutURL("id_token_hint", h.uses(t, b, shop), "post_logout_redirect_uri", bye+"?x=1")). // query-added
														wants(t, http.StatusBadRequest, "post_logout_redirect_uri")
	if !b.signedInStill(t) {
		t.Fatal("she was signed out without being asked")
	}
	b.get(t, logoutURL("id_token_hint", h.uses(t, b, shop))).wants(t, http.StatusOK, "You are signed out") // no-post-logout-redirect-uri
	b = h.signedIn(t, anna)
	b.get(t, logoutURL("id_token_hint", h.uses(t, b, shop), "post_logout_redirect_uri", bye)).leadsTo(t, bye) // no-state
}

// TestTheGuidesNameTestsThatExist reads the guides that name tests.
func TestTheGuidesNameTestsThatExist(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	for _, dir := range []string{".", "../e2e", "../platform", "../sdk"} {
		ok(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, "_test.go") {
				text, err := os.ReadFile(path)
				tests.Write(text)
				return err
			}
			return err
		}))
	}
	for _, name := range []string{"openid-conformance", "security"} {
		guide, err := os.ReadFile("../docs/guides/" + name + ".md")
		ok(t, err)
		named := regexp.MustCompile(`(Test|Fuzz)[A-Z]\w+`).FindAllString(string(guide), -1)
		if len(named) < 10 {
			t.Fatalf("%s names only %d tests", name, len(named))
		}
		for _, test := range named {
			if !strings.Contains(tests.String(), "func "+test+"(t *testing.T)") && !strings.Contains(tests.String(), "func "+test+"(f *testing.F)") {
				t.Errorf("%s: there is no %s", name, test)
			}
		}
	}
}
