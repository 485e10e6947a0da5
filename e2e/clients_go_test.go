package e2e

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"guildhall/sdk/go/identity"
)

// relying is an application on go-oidc and golang.org/x/oauth2.
type relying struct {
	oauth2.Config
	ctx      context.Context //nolint:containedctx // it carries the HTTP client, as these libraries have it
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	browser  *reader
}

func (p parties) relies(t *testing.T, browser *reader, who party, web *http.Client) relying {
	t.Helper()
	ctx := oidc.ClientContext(t.Context(), web)
	provider, err := oidc.NewProvider(ctx, p.service("identity"))
	if err != nil {
		t.Fatal(err)
	}
	return relying{oauth2.Config{ClientID: who.ID, ClientSecret: who.Secret, Endpoint: provider.Endpoint(), RedirectURL: backURL, Scopes: strings.Fields(everyScope)},
		ctx, provider, provider.Verifier(&oidc.Config{ClientID: who.ID}), browser}
}

// signsIn is the code flow up to a verified ID token.
func (r relying) signsIn(t *testing.T) (*oauth2.Token, *oidc.IDToken) {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	at, err := r.browser.opens(t.Context(), r.AuthCodeURL("s-1", oidc.Nonce("n-1"), oauth2.S256ChallengeOption(verifier)), "allow")
	if err != nil || at.url.Query().Get("state") != "s-1" || at.url.Query().Get("iss") != r.browser.identity.String() {
		t.Fatalf("the browser ends at %s, %v", at.url, err)
	}
	token, err := r.Exchange(r.ctx, at.url.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token, r.verified(t, token)
}

func (r relying) verified(t *testing.T, token *oauth2.Token) *oidc.IDToken {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	said, err := r.verifier.Verify(r.ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := said.VerifyAccessToken(token.AccessToken); err != nil {
		t.Fatal(err)
	}
	return said
}

// knows checks what userinfo tells.
func (r relying) knows(t *testing.T, token *oauth2.Token, subject string) {
	t.Helper()
	info, err := r.provider.UserInfo(r.ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != subject || info.Email != r.browser.email || !info.EmailVerified {
		t.Errorf("userinfo: %+v, %v", info, err)
	}
}

// stale makes the token source think that the access token is over.
func stale(token *oauth2.Token) *oauth2.Token {
	old := *token
	old.Expiry = time.Now().Add(-time.Minute)
	return &old
}

func (p parties) goClients(t *testing.T, who *reader) {
	t.Helper()
	for name, flow := range map[string]func(*testing.T, *reader){"code": p.goCode, "device": p.goDevice, "client credentials": p.goCredentials,
		"certificate": p.goCertificate, "back-channel logout": p.goLogout} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow(t, who.elsewhere(t, p.server))
		})
	}
}

func (p parties) goCode(t *testing.T, browser *reader) {
	for _, name := range []string{"basic", "post", "spa", "RS256", "EdDSA"} {
		r := p.relies(t, browser, p.all[name], p.browser(t))
		token, said := r.signsIn(t)
		if said.Nonce != "n-1" {
			t.Errorf("%s: nonce %q", name, said.Nonce)
		}
		r.knows(t, token, said.Subject)
		next, err := r.TokenSource(r.ctx, stale(token)).Token()
		if err != nil || next.RefreshToken == token.RefreshToken || r.verified(t, next).Subject != said.Subject {
			t.Fatalf("%s: refreshed: %+v, %v", name, next, err)
		}
		r.knows(t, next, said.Subject)
	}
}

func (p parties) goDevice(t *testing.T, browser *reader) {
	r := p.relies(t, browser, p.all["device"], p.browser(t))
	begun, err := r.DeviceAuth(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if at, err := browser.opens(t.Context(), begun.VerificationURIComplete, "allow"); err != nil || at.url.Path != "/applications" {
		t.Fatalf("the browser ends at %s, %v", at.url, err)
	}
	token, err := r.DeviceAccessToken(r.ctx, begun)
	if err != nil {
		t.Fatal(err)
	}
	r.knows(t, token, r.verified(t, token).Subject)
}

func (p parties) goCredentials(t *testing.T, _ *reader) {
	for name, style := range map[string]oauth2.AuthStyle{"service": oauth2.AuthStyleInHeader, "service_post": oauth2.AuthStyleInParams} {
		who := p.all[name]
		c := clientcredentials.Config{ClientID: who.ID, ClientSecret: who.Secret, TokenURL: p.service("identity") + "/oauth2/token", AuthStyle: style}
		token, err := c.Token(oidc.ClientContext(t.Context(), p.browser(t)))
		if err != nil {
			t.Fatal(err)
		}
		verifier := p.relies(t, nil, who, p.browser(t)).provider.Verifier(&oidc.Config{SkipClientIDCheck: true})
		if said, err := verifier.Verify(t.Context(), token.AccessToken); err != nil || said.Subject != who.ID {
			t.Errorf("%s: %+v, %v", name, said, err)
		}
	}
}

// goCertificate has an application that shows a certificate of the authority, at the
// host that asks for it. Its tokens are bound to that.
func (p parties) goCertificate(t *testing.T, browser *reader) {
	const name = "app.clients.example"
	pair := p.certificate(t, "--profile", "client", "--name", name)
	who := p.registers(t, identity.Metadata{Kind: "web", Name: name, Method: "tls_client_auth", TLSSubjectDNS: name, TLSBound: true,
		RedirectURIs: []string{backURL}, Scopes: strings.Fields(everyScope)})
	plain, shows := p.browser(t), p.browser(t)
	shows.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{pair}

	r := p.relies(t, browser, who, shows)
	var there struct {
		Aliases struct {
			Token    string `json:"token_endpoint"`
			UserInfo string `json:"userinfo_endpoint"`
		} `json:"mtls_endpoint_aliases"`
	}
	if err := r.provider.Claims(&there); err != nil {
		t.Fatal(err)
	}
	r.Endpoint.TokenURL, r.Endpoint.AuthStyle = there.Aliases.Token, oauth2.AuthStyleInParams
	token, _ := r.signsIn(t)
	for _, try := range []struct {
		web *http.Client
		url string
		is  int
	}{{shows, there.Aliases.UserInfo, http.StatusOK}, {plain, there.Aliases.UserInfo, http.StatusUnauthorized}, {plain, r.provider.UserInfoEndpoint(), http.StatusUnauthorized}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, try.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		token.SetAuthHeader(req)
		res, err := try.web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != try.is {
			t.Errorf("%s: status %d, want %d", try.url, res.StatusCode, try.is)
		}
	}
	if _, err := r.TokenSource(oidc.ClientContext(t.Context(), plain), stale(token)).Token(); err == nil {
		t.Error("the tokens are refreshed without the certificate")
	}
	if _, err := r.TokenSource(r.ctx, stale(token)).Token(); err != nil {
		t.Error(err)
	}
}

// goLogout has an application whose certificate is of our authority told that a
// session ended.
func (p parties) goLogout(t *testing.T, browser *reader) {
	told := make(chan string, 1)
	app := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.PostFormValue("logout_token") }))
	app.TLS = &tls.Config{Certificates: []tls.Certificate{p.certificate(t, "--name", "127.0.0.1")}, MinVersion: tls.VersionTLS12}
	app.StartTLS()
	t.Cleanup(app.Close)
	who := p.registers(t, identity.Metadata{Kind: "web", Name: "Told", Trusted: true, RedirectURIs: []string{backURL}, PostLogoutURIs: []string{byeURL},
		BackchannelLogoutURI: app.URL + "/logout", BackchannelSession: true})
	r := p.relies(t, browser, who, p.browser(t))
	r.Scopes = []string{oidc.ScopeOpenID}
	token, said := r.signsIn(t)
	var session struct {
		ID string `json:"sid"`
	}
	if err := said.Claims(&session); err != nil {
		t.Fatal(err)
	}
	end := url.Values{"id_token_hint": {token.Extra("id_token").(string)}, "post_logout_redirect_uri": {byeURL}, "state": {"s-2"}}
	if at, err := browser.opens(t.Context(), p.service("identity")+"/oauth2/logout?"+end.Encode(), ""); err != nil || at.url.String() != byeURL+"?state=s-2" {
		t.Fatalf("the browser ends at %s, %v", at.url, err)
	}
	select {
	case raw := <-told:
		logout, err := r.verifier.VerifyLogout(r.ctx, raw)
		if err != nil || logout.Subject != said.Subject || logout.SessionID != session.ID || !slices.Equal(logout.Audience, []string{who.ID}) {
			t.Errorf("told: %+v, %v", logout, err)
		}
	case <-time.After(patience):
		t.Errorf("the application was not told within %v\n%s", patience, p.log)
	}
	if _, err := r.TokenSource(r.ctx, stale(token)).Token(); err == nil {
		t.Error("the tokens outlive the session")
	}
}

// certificate has the authority make one.
func (p parties) certificate(t *testing.T, args ...string) tls.Certificate {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certificate")
	must(t, append([]string{"ca", "issue", "--data", p.data, "--out", dir}, args...)...)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "privkey.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
