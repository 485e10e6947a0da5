package identity

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/session"
	"guildhall/identity/web/locales"
	"guildhall/platform/app"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
)

const (
	issuer   = "https://identity.guild.example.test"
	callback = "https://shop.example/callback"
)

// issuance is the provider with its pages, served over TLS under its own name.
type issuance struct {
	*identitytest.World
	*service
	web *http.Client
	mux *http.ServeMux
	// anna has an account and is signed in, in the session of the cookie.
	anna   *account.Account
	begun  session.Session
	cookie *http.Cookie
}

func openIssuer(t testing.TB) *issuance {
	t.Helper()
	return issuerOn(t, guildtest.SQLite(t))
}

func issuerOn(t testing.TB, url string) *issuance {
	t.Helper()
	i := issuerIn(t, identitytest.New(t, guildtest.Open(t, url, migrations())))
	i.anna = i.Account(t, "anna@guild.example.test")
	i.signIn(t)
	return i
}

// nodeOn is another node of the same installation, on its database.
func (i *issuance) nodeOn(t testing.TB, url string) *issuance {
	t.Helper()
	n := issuerIn(t, identitytest.Node(t, guildtest.Open(t, url, migrations()), i.Key, i.Clock))
	n.anna, n.begun, n.cookie = i.anna, i.begun, i.cookie
	return n
}

func issuerIn(t testing.TB, w *identitytest.World) *issuance {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	sessions := &session.Desk{Store: w.Store, Journal: w.Journal, Log: log, Now: w.Clock.Now}
	factors, err := factor.New(factor.Options{Store: w.Store, Journal: w.Journal, Gate: w.Gate, Sessions: sessions, Key: w.Key, Domain: "guild.example.test",
		Origin: issuer, Product: "guildhall", Now: w.Clock.Now})
	ok(t, err)
	s := &service{log: log, now: w.Clock.Now, store: w.Store, journal: w.Journal, gate: w.Gate, accounts: w.Accounts, factors: factors,
		sessions: sessions}
	s.groups = &group.Desk{Store: w.Store, Journal: w.Journal, Now: w.Clock.Now}
	s.roles = role.New(role.Options{Store: w.Store, Journal: w.Journal, Known: []string{role.Admin, role.Viewer, "ca.admin", "ca.operator", "ca.viewer"}, Now: w.Clock.Now})
	s.directory, _ = w.Directory(nil)
	s.letters = &letters{Outbox: w.Outbox(t), Journal: w.Journal}
	bundle, err := i18n.NewBundle(weblocales.FS(), locales.FS())
	ok(t, err)
	site := web.NewSite(web.SiteOptions{Bundle: bundle, Log: log, Now: w.Clock.Now})
	env := app.Env{DB: w.DB, Jobs: w.Jobs, Now: w.Clock.Now, Log: log, Production: true, Exempt: nobody, Site: site, PublicURL: func(string) string { return issuer }}
	ok(t, s.openProvider(t.Context(), env, w.Key))
	served := s.service(env)
	mux := http.NewServeMux()
	served.Pages(mux)
	return &issuance{World: w, service: s, mux: mux, web: serve(t, site.Wrap(served.Shell.Handler(mux), served.CrossOrigin...))}
}

func (i *issuance) signIn(t testing.TB) {
	t.Helper()
	token, begun, err := i.sessions.Start(t.Context(), session.Start{Account: i.anna.ID, Level: session.Password, Methods: []string{session.MethodPassword}})
	ok(t, err)
	i.begun, i.cookie = begun, &http.Cookie{Name: sessionCookie, Value: token}
}

// serve answers under every name, and asks for certificates.
func serve(t testing.TB, h http.Handler) *http.Client {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // the server's certificate is for it
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// application registers one like the preset of its kind.
func (i *issuance) application(t testing.TB, kind string, change func(*client.Metadata)) *party {
	t.Helper()
	m, err := client.Preset(kind)
	ok(t, err)
	m.Name, m.Trusted = "The shop", true
	if len(m.ResponseTypes) > 0 {
		m.RedirectURIs = []string{callback}
	}
	if change != nil {
		change(&m)
	}
	c, secret, err := i.clients.Create(t.Context(), m, identitytest.By)
	ok(t, err)
	return &party{issuance: i, Client: c, secret: secret}
}

// party is an application as its own code sees it.
type party struct {
	*issuance
	client.Client
	secret string
	// key makes DPoP proofs; nil: none are sent.
	key *ecdsa.PrivateKey
}

// reply is an answer of JSON.
type reply struct {
	*http.Response
	Text string
	Body map[string]any
}

func (r reply) text(name string) string {
	s, _ := r.Body[name].(string)
	return s
}

// refuses fails the test unless the reply is the error.
func (r reply) refuses(t testing.TB, why, code string) {
	t.Helper()
	if r.StatusCode < 400 || r.text("error") != code {
		t.Errorf("%s: status %d, %s; want %s", why, r.StatusCode, r.Text, code)
	}
}

func (r reply) fine(t testing.TB) reply {
	t.Helper()
	if r.StatusCode >= 300 {
		t.Fatalf("%s: status %d: %s", r.Request.URL, r.StatusCode, r.Text)
	}
	return r
}

// call sends a form, or without one a GET.
func (i *issuance) call(t testing.TB, path string, form url.Values, headers http.Header) reply {
	t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequestWithContext(t.Context(), method, issuer+path, strings.NewReader(body))
	ok(t, err)
	maps.Copy(r.Header, headers)
	if form != nil && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return i.send(t, r)
}

func (i *issuance) send(t testing.TB, r *http.Request) reply {
	t.Helper()
	res, err := i.web.Do(r)
	ok(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	ok(t, err)
	out := reply{Response: res, Text: string(text)}
	if bytes.HasPrefix(text, []byte("{")) {
		ok(t, json.Unmarshal(text, &out.Body))
	}
	return out
}

// post sends a form with what the application authenticates by, and a proof if it
// has a key.
func (p *party) post(t testing.TB, path string, pairs ...string) reply {
	t.Helper()
	form, headers := values(pairs...), http.Header{}
	switch p.Method {
	case oauth.MethodBasic:
		headers.Set("Authorization", basic(p.ID, p.secret))
	case oauth.MethodPost:
		form.Set("client_id", p.ID)
		form.Set("client_secret", p.secret)
	case oauth.MethodNone, oauth.MethodSelfSignedTLS:
		form.Set("client_id", p.ID)
	}
	if p.key != nil {
		headers.Set("DPoP", p.proof(t, http.MethodPost, path, ""))
	}
	return p.call(t, path, form, headers)
}

func (p *party) token(t testing.TB, pairs ...string) reply {
	t.Helper()
	return p.post(t, tokenPath, pairs...)
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// values is a form of name, value, name, value.
func values(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// pkce is a verifier and its challenge.
func pkce() (verifier, challenge string) {
	verifier = rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	return verifier, base64.RawURLEncoding.EncodeToString(sum[:])
}

// code sends anna's browser to the authorization endpoint, which lets a trusted
// application have its code at once.
func (p *party) code(t testing.TB, pairs ...string) (code, verifier string) {
	t.Helper()
	verifier, challenge := pkce()
	asked := values("response_type", "code", "client_id", p.ID, "redirect_uri", callback, "scope", "openid profile email",
		"state", "s-1", "nonce", "n-1", "code_challenge", challenge, "code_challenge_method", "S256")
	for i := 0; i+1 < len(pairs); i += 2 {
		if asked.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			asked.Del(pairs[i])
		}
	}
	back := p.browse(t, authorizePath+"?"+asked.Encode())
	if back.Get("code") == "" || back.Get("state") != "s-1" || back.Get("iss") != issuer {
		t.Fatalf("the answer is %v", back)
	}
	return back.Get("code"), verifier
}

// browse follows anna's browser to the application and reads what it brings.
func (i *issuance) browse(t testing.TB, path string) url.Values {
	t.Helper()
	return i.lands(t, path).Query()
}

// lands is where anna's browser leaves identity to.
func (i *issuance) lands(t testing.TB, path string) *url.URL {
	t.Helper()
	at := issuer + path
	for range 5 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
		ok(t, err)
		r.Header.Set("Accept", "text/html")
		r.AddCookie(i.cookie)
		res := i.send(t, r)
		to, err := res.Location()
		if err != nil {
			t.Fatalf("%s leads nowhere: status %d: %.2000s", at, res.StatusCode, res.Text)
		}
		if !strings.HasPrefix(to.String(), issuer) {
			return to
		}
		at = to.String()
	}
	t.Fatalf("too many redirects, the last to %s", at)
	return nil
}

// signsIn is the code flow to its end.
func (p *party) signsIn(t testing.TB, pairs ...string) reply {
	t.Helper()
	code, verifier := p.code(t, pairs...)
	return p.redeem(t, code, verifier).fine(t)
}

func (p *party) redeem(t testing.TB, code, verifier string) reply {
	t.Helper()
	return p.token(t, "grant_type", oauth.GrantCode, "code", code, "redirect_uri", callback, "code_verifier", verifier)
}

func (p *party) refresh(t testing.TB, token string) reply {
	t.Helper()
	return p.token(t, "grant_type", oauth.GrantRefresh, "refresh_token", token)
}

// proof is a DPoP proof of the party's key.
func (p *party) proof(t testing.TB, method, path, accessToken string) string {
	t.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": issuer + path, "iat": p.Clock.Now().Unix()}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return signed(t, p.key, "dpop+jwt", claims, map[string]any{"jwk": jose.JSONWebKey{Key: p.key.Public()}})
}

// signed is a token of the claims by ES256.
func signed(t testing.TB, key *ecdsa.PrivateKey, typ string, claims, headers map[string]any) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	for name, value := range headers {
		o = o.WithHeader(jose.HeaderKey(name), value)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, o)
	ok(t, err)
	payload, err := json.Marshal(claims)
	ok(t, err)
	object, err := s.Sign(payload)
	ok(t, err)
	text, err := object.CompactSerialize()
	ok(t, err)
	return text
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	return key
}

func jwkThumbprint(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	sum, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	ok(t, err)
	return base64.RawURLEncoding.EncodeToString(sum)
}

// verified checks a token of ours by the published keys, as everybody else does,
// and reads it.
func (i *issuance) verified(t testing.TB, token, typ string) map[string]any {
	t.Helper()
	var set jose.JSONWebKeySet
	ok(t, json.Unmarshal([]byte(i.call(t, jwksPath, nil, nil).fine(t).Text), &set))
	object, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA})
	ok(t, err)
	payload, err := object.Verify(set)
	ok(t, err)
	if got := object.Signatures[0].Protected.ExtraHeaders["typ"]; got != typ {
		t.Errorf("typ is %v, want %s", got, typ)
	}
	var claims map[string]any
	ok(t, json.Unmarshal(payload, &claims))
	return claims
}

// person asks userinfo with an access token.
func (i *issuance) person(t testing.TB, token string) reply {
	t.Helper()
	return i.call(t, userinfoPath, nil, http.Header{"Authorization": {"Bearer " + token}})
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
