package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/clientauth"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/app"
	"guildhall/platform/peer/peertest"
)

// running is identity in a process of its own making, beside an authority.
type running struct {
	*service
	env       app.Env
	authority *peertest.Authority
	roots     *x509.CertPool
}

// beside is the service of the authority.
func beside(authority *peertest.Authority) app.Definition {
	words := &fstest.MapFile{Data: []byte(`{"ca.service.title": "Authority", "ca.service.purpose": "Stands for others"}`)}
	return app.Definition{Name: "ca", Locales: fstest.MapFS{"en.json": words, "zh.json": words, "pl.json": words},
		Migrations: fstest.MapFS{"0001_ca.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE ca (id TEXT PRIMARY KEY);\n")}},
		New:        func(context.Context, app.Env) (*app.Service, error) { return &app.Service{Authority: authority}, nil }}
}

func runProcess(t *testing.T) *running {
	t.Helper()
	authority, err := peertest.NewAuthority(time.Now)
	ok(t, err)
	authority.Interval = 20 * time.Millisecond
	r := &running{authority: authority, roots: x509.NewCertPool()}
	r.roots.AddCert(authority.Root)
	identity := Definition()
	identity.New = func(ctx context.Context, env app.Env) (*app.Service, error) {
		var err error
		r.env = env
		if r.service, err = open(ctx, env, DefaultConfig()); err != nil {
			return nil, err
		}
		return r.service.service(env), nil
	}
	config := app.DefaultConfig()
	config.Server.Data, config.Server.HTTP, config.Server.HTTPS, config.Server.Internal = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	ready, ended := make(chan app.Announcement, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- app.Run(ctx, app.Options{Definitions: []app.Definition{beside(authority), identity}, Config: config, Version: "test", Now: time.Now,
			Level: new(slog.LevelVar), Log: slog.New(slog.DiscardHandler), Ready: func(a app.Announcement) { ready <- a }})
	}()
	t.Cleanup(func() {
		cancel()
		ok(t, <-ended)
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("not ready: %v", err)
	}
	return r
}

// with is a client that shows the certificate where it is asked for one.
func (r *running) with(t *testing.T, shown ...tls.Certificate) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.roots, Certificates: shown}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// issued is a certificate of the authority.
func (r *running) issued(t *testing.T, name string, usage x509.ExtKeyUsage) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key := newKey(t)
	b, leaf, err := r.authority.Sign(&x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{usage}}, key.Public())
	ok(t, err)
	return tls.Certificate{Certificate: b.Chain, PrivateKey: key}, leaf
}

func selfMade(t *testing.T, name string, key *ecdsa.PrivateKey) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ok(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (r *running) application(t *testing.T, change func(*client.Metadata)) client.Client {
	t.Helper()
	m, err := client.Preset(client.Service)
	ok(t, err)
	m.Name = "The robot"
	change(&m)
	c, _, err := r.clients.Create(t.Context(), m, identitytest.By)
	ok(t, err)
	return c
}

func postForm(t *testing.T, c *http.Client, to string, headers http.Header, pairs ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(values(pairs...).Encode()))
	ok(t, err)
	r.Header = headers.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(r)
	ok(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	ok(t, err)
	out := reply{Response: res, Text: string(text)}
	_ = json.Unmarshal(text, &out.Body) // some answers have no body
	return out
}

// discovered is what an application finds out first.
type discovered struct {
	Token   string            `json:"token_endpoint"`
	Aliases map[string]string `json:"mtls_endpoint_aliases"`
	Bound   bool              `json:"tls_client_certificate_bound_access_tokens"`
	Methods []string          `json:"token_endpoint_auth_methods_supported"`
}

func (r *running) discovered(t *testing.T) (d discovered) {
	t.Helper()
	res, err := r.with(t).Get(r.env.PublicURL(Name) + "/.well-known/openid-configuration")
	ok(t, err)
	defer func() { _ = res.Body.Close() }()
	ok(t, json.NewDecoder(res.Body).Decode(&d))
	return d
}

func TestCertificateOfTheAuthority(t *testing.T) {
	t.Parallel()
	r := runProcess(t)
	d := r.discovered(t)
	if !d.Bound || !slices.Contains(d.Methods, oauth.MethodTLS) || !strings.HasPrefix(d.Aliases["token_endpoint"], "https://mtls.identity.guildhall.localhost:") {
		t.Fatalf("discovery: %+v", d)
	}
	robot := r.application(t, func(m *client.Metadata) {
		m.Method, m.TLSSubjectDNS, m.TLSBound = oauth.MethodTLS, "robot.example.com", true
	})
	ask := func(c *http.Client, at string) reply {
		t.Helper()
		return postForm(t, c, at, nil, "grant_type", oauth.GrantClientCredentials, "client_id", robot.ID)
	}
	at := d.Aliases["token_endpoint"]
	good, leaf := r.issued(t, "robot.example.com", x509.ExtKeyUsageClientAuth)
	got := ask(r.with(t, good), at).fine(t)
	token, err := r.keys.Verify(t.Context(), got.text("access_token"))
	ok(t, err)
	var said struct {
		Bound map[string]string `json:"cnf"`
	}
	ok(t, json.Unmarshal(token.Payload, &said))
	sum := sha256.Sum256(leaf.Raw)
	if want := base64.RawURLEncoding.EncodeToString(sum[:]); said.Bound["x5t#S256"] != want {
		t.Errorf("bound to %v, want %s", said.Bound, want)
	}

	another, _ := r.issued(t, "another.example.com", x509.ExtKeyUsageClientAuth)
	server, _ := r.issued(t, "robot.example.com", x509.ExtKeyUsageServerAuth)
	bare := tls.Certificate{Certificate: good.Certificate[:1], PrivateKey: good.PrivateKey}
	forged, unknown := r.issued(t, "robot.example.com", x509.ExtKeyUsageClientAuth)
	r.authority.Disown(unknown.Raw)
	for why, shown := range map[string][]tls.Certificate{
		"no certificate": nil, "another's": {another}, "a server's": {server}, "one without its issuer": {bare},
		"one that it made itself": {selfMade(t, "robot.example.com", newKey(t))}, "one that the authority does not know": {forged},
	} {
		ask(r.with(t, shown...), at).refuses(t, why, oauth.InvalidClient)
	}
	ask(r.with(t, good), d.Token).refuses(t, "where nobody asks for it", oauth.InvalidClient)

	r.authority.Away(true)
	fresh, _ := r.issued(t, "robot.example.com", x509.ExtKeyUsageClientAuth)
	if got := ask(r.with(t, fresh), at); got.StatusCode != http.StatusServiceUnavailable || got.text("error") != oauth.TemporarilyUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("the authority cannot be asked: %d %s", got.StatusCode, got.Text)
	}
	ask(r.with(t, good), at).fine(t)
	r.authority.Away(false)
	ask(r.with(t, fresh), at).fine(t)

	kept := r.with(t, good) // over one connection, before and after
	ask(kept, at).fine(t)
	_, err = r.authority.Revoke(leaf)
	ok(t, err)
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for r.env.VerifyClient(t.Context(), leaf, []*x509.Certificate{r.authority.Issuing}) == nil {
		select {
		case <-patience.Done():
			t.Fatal("the revocation never came")
		case <-look.C:
		}
	}
	ask(kept, at).refuses(t, "a revoked one", oauth.InvalidClient)
	ask(r.with(t, fresh), at).fine(t)
}

func TestEndpointsOfTheCertifiedHost(t *testing.T) {
	t.Parallel()
	r := runProcess(t)
	d := r.discovered(t)
	key := newKey(t)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public()}}})
	ok(t, err)
	robot := r.application(t, func(m *client.Metadata) { m.Method, m.JWKS = oauth.MethodSelfSignedTLS, set })
	c := r.with(t, selfMade(t, "robot", key))
	got := postForm(t, c, d.Aliases["token_endpoint"], nil, "grant_type", oauth.GrantClientCredentials, "client_id", robot.ID).fine(t)
	access := got.text("access_token")
	if in := postForm(t, c, d.Aliases["introspection_endpoint"], nil, "token", access, "client_id", robot.ID).fine(t); in.Body["active"] != true {
		t.Errorf("introspection: %s", in.Text)
	}
	postForm(t, c, d.Aliases["revocation_endpoint"], nil, "token", access, "client_id", robot.ID).fine(t)
	if in := postForm(t, c, d.Aliases["introspection_endpoint"], nil, "token", access, "client_id", robot.ID).fine(t); in.Body["active"] != false {
		t.Errorf("introspection of a revoked token: %s", in.Text)
	}
	// These two are not for a robot, which they say when they know it.
	for _, name := range []string{"pushed_authorization_request_endpoint", "device_authorization_endpoint"} {
		if got := postForm(t, c, d.Aliases[name], nil, "client_id", robot.ID); got.StatusCode != http.StatusBadRequest || got.text("error") == "" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Text)
		}
		postForm(t, r.with(t), d.Aliases[name], nil, "client_id", robot.ID).refuses(t, name+" without a certificate", oauth.InvalidClient)
	}
	postForm(t, c, d.Aliases["userinfo_endpoint"], http.Header{"Authorization": {"Bearer " + access}}).refuses(t, "a revoked token", oauth.InvalidToken)
	if len(d.Aliases) != 6 {
		t.Errorf("aliases: %v", d.Aliases)
	}
	for _, path := range []string{"/", "/sign-in", authorizePath, jwksPath, "/.well-known/openid-configuration"} {
		res, err := c.Get(r.env.CertifiedURL + path)
		ok(t, err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusNotFound || res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// TestAddressesAreThoseOfTheHost has proofs and assertions name the address that
// was called.
func TestAddressesAreThoseOfTheHost(t *testing.T) {
	t.Parallel()
	r := runProcess(t)
	d := r.discovered(t)
	key := newKey(t)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public()}}})
	ok(t, err)
	robot := r.application(t, func(m *client.Metadata) { m.Method, m.JWKS = oauth.MethodPrivateKeyJWT, set })
	now := time.Now()
	ask := func(at, htu, audience string) reply {
		t.Helper()
		proof := signed(t, key, "dpop+jwt", map[string]any{"jti": rand.Text(), "htm": http.MethodPost, "htu": htu, "iat": now.Unix()},
			map[string]any{"jwk": jose.JSONWebKey{Key: key.Public()}})
		assertion := signed(t, key, "JWT", map[string]any{"iss": robot.ID, "sub": robot.ID, "aud": audience, "jti": rand.Text(), "exp": now.Add(time.Minute).Unix()}, nil)
		return postForm(t, r.with(t), at, http.Header{"Dpop": {proof}}, "grant_type", oauth.GrantClientCredentials,
			"client_assertion", assertion, "client_assertion_type", clientauth.AssertionJWT)
	}
	alias := d.Aliases["token_endpoint"]
	ask(alias, alias, alias).fine(t)
	ask(alias, alias, r.env.PublicURL(Name)).fine(t)
	ask(d.Token, d.Token, d.Token).fine(t)
	ask(alias, d.Token, alias).refuses(t, "a proof for the other host", oauth.InvalidDPoPProof)
	ask(d.Token, alias, d.Token).refuses(t, "a proof for the host of certificates", oauth.InvalidDPoPProof)
	ask(d.Token, d.Token, alias).refuses(t, "an assertion for the host of certificates", oauth.InvalidClient)
}

func TestCurlGetsATokenByItsCertificate(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is missing: apt-get install curl")
	}
	r := runProcess(t)
	robot := r.application(t, func(m *client.Metadata) { m.Method, m.TLSSubjectDNS = oauth.MethodTLS, "robot.example.com" })
	shown, _ := r.issued(t, "robot.example.com", x509.ExtKeyUsageClientAuth)
	secret, err := x509.MarshalPKCS8PrivateKey(shown.PrivateKey)
	ok(t, err)
	dir := t.TempDir()
	file := func(name, kind string, ders ...[]byte) string {
		var text []byte
		for _, der := range ders {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
		}
		ok(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
		return filepath.Join(dir, name)
	}
	at := r.discovered(t).Aliases["token_endpoint"]
	u, err := url.Parse(at)
	ok(t, err)
	out, err := exec.CommandContext(t.Context(), "curl", "-sS", "--max-time", "30", "--resolve", u.Host+":127.0.0.1",
		"--cacert", file("root.pem", "CERTIFICATE", r.authority.Root.Raw),
		"--cert", file("fullchain.pem", "CERTIFICATE", shown.Certificate...), "--key", file("privkey.pem", "PRIVATE KEY", secret),
		"-d", "grant_type=client_credentials", "-d", "client_id="+robot.ID, at).CombinedOutput()
	var got struct {
		Token string `json:"access_token"`
	}
	if err != nil || json.Unmarshal(out, &got) != nil || got.Token == "" {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := r.keys.Verify(t.Context(), got.Token); err != nil {
		t.Error(err)
	}
}
