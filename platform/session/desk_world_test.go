package session_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/platform/access"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/session"
	"guildhall/sdk/go/identity/revocation"
)

const (
	issuer   = "https://identity.guild.example.test"
	bankHost = "bank.guild.example.test"
	bankURL  = "https://" + bankHost
)

// identity answers as the service does, by its internal listener: it is the
// transport of a client.
type identity struct {
	t     *testing.T
	clock *guildtest.Clock
	key   ed25519.PrivateKey

	mu      sync.Mutex
	away    bool
	over    map[string]bool
	person  session.Person
	codes   map[string]url.Values // the authorization request of a code
	claims  map[string]any        // replace what the ID token says
	asked   int                   // for persons
	ended   []string
	entries []revocation.Entry
	streams int
	heard   func() // called when the second stream is asked for
}

func (i *identity) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away {
		return nil, errors.New("nobody is there")
	}
	w := httptest.NewRecorder()
	switch path := strings.TrimPrefix(r.URL.String(), "https://identity.guildhall.internal"); {
	case path == session.RegisterPath:
		i.json(w, session.Application{Issuer: issuer, ID: "guildhall-bank"})
	case path == session.TokenPath:
		i.token(w, r)
	case path == access.PathKeys:
		_, _ = w.Write(i.keys())
	case strings.HasPrefix(path, access.PathRevocations):
		i.line(w)
	case strings.HasPrefix(path, session.GrantPath):
		i.grant(w, r.Method, strings.TrimPrefix(path, session.GrantPath))
	default:
		i.t.Errorf("unexpected request %s", r.URL)
	}
	return w.Result(), nil
}

func (i *identity) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

func (i *identity) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		i.t.Error(err)
	}
	asked, ok := i.codes[r.PostForm.Get("code")]
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !ok || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || asked.Get("redirect_uri") != r.PostForm.Get("redirect_uri") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	delete(i.codes, r.PostForm.Get("code"))
	said := map[string]any{"iss": issuer, "aud": "guildhall-bank", "nonce": asked.Get("nonce"), "exp": i.clock.Now().Add(time.Minute).Unix()}
	maps.Copy(said, i.claims)
	i.json(w, map[string]any{"id_token": unsigned(said), "access_token": unsigned(map[string]any{"gid": "gnt_1"})})
}

func unsigned(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	return "e30." + base64.RawURLEncoding.EncodeToString(text) + ".e30"
}

func (i *identity) grant(w http.ResponseWriter, method, id string) {
	if i.over[id] {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if method == http.MethodPost {
		i.ended, i.over[id] = append(i.ended, id), true
		w.WriteHeader(http.StatusNoContent)
		return
	}
	i.asked++
	i.json(w, i.person)
}

func (i *identity) keys() []byte {
	return fmt.Appendf(nil, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","alg":"EdDSA","use":"sig","x":%q}]}`,
		base64.RawURLEncoding.EncodeToString(i.key.Public().(ed25519.PublicKey)))
}

// line is one that tells all.
func (i *identity) line(w io.Writer) {
	if i.streams++; i.streams == 2 && i.heard != nil {
		i.heard()
	}
	now := i.clock.Now()
	line := revocation.Line{Version: revocation.Version, Issuer: issuer, Keys: revocation.KeysHash(i.keys()), Sequence: uint64(len(i.entries)), Entries: i.entries,
		Issued: now.UnixMicro(), StaleAfter: now.Add(revocation.DefaultLease).UnixMicro()}
	_, _ = io.WriteString(w, i.sign(revocation.TypeRevocations, line)+"\n")
}

func (i *identity) sign(typ string, claims any) string {
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"EdDSA","kid":"k","typ":"`+typ+`"}`)) + "." + encode(text)
	return input + "." + encode(ed25519.Sign(i.key, []byte(input)))
}

// revokes tells that something is over from now on.
func (i *identity) revokes(kind revocation.Kind, subject string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.clock.Now()
	i.entries = append(i.entries, revocation.Entry{Seq: uint64(len(i.entries) + 1), Kind: kind, Subject: subject,
		MadeAt: now.UnixMicro(), ExpiresAt: now.Add(time.Hour).UnixMicro()})
}

// change is a change under the lock.
func (i *identity) change(fn func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	fn()
}

// bank is a service whose pages ask for roles.
type bank struct {
	*identity
	set  access.Set
	desk *session.Desk
	http.Handler
}

func openBank(t *testing.T, d *db.DB) *bank {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	clock := guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC))
	b := &bank{identity: &identity{t: t, clock: clock, key: key, over: map[string]bool{}, codes: map[string]url.Values{},
		person: session.Person{Account: "acc_1", Name: "Anna", Roles: []string{"bank.operator"}, Session: "ses_1", ACR: "aal1", AuthTime: clock.Now()}}}
	b.set = access.NewSet(0, clock.Now)
	b.desk = session.NewDesk(session.DeskOptions{Service: "bank", URL: bankURL, DB: d, Identity: &http.Client{Transport: b.identity},
		Issuer: issuer, IdentityURL: "https://identity.guildhall.internal", Revoked: b.set, Refuse: refuse, Now: clock.Now, Log: slog.New(slog.DiscardHandler),
		Ended: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "signed out") }})
	mux := http.NewServeMux()
	b.desk.Mount(mux)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := session.From(r.Context())
		_, _ = fmt.Fprintf(w, "%s %s %s", p.ID, p.Name, strings.Join(p.Roles, " "))
	})
	for path, role := range map[string]string{"/look": "bank.viewer", "/work": "bank.operator", "/rule": "bank.admin"} {
		mux.Handle(path, session.Require(role, refuse)(page))
	}
	mux.Handle("/pay", session.Require("bank.viewer", refuse)(session.StepUp(session.Recent{Within: 5 * time.Minute, ACR: "aal2"}, clock.Now, refuse)(page)))
	mux.Handle("/open", page)
	b.Handler = b.desk.Identify(mux)
	b.hears(t)
	return b
}

func refuse(w http.ResponseWriter, _ *http.Request, err error) {
	e := fault.As(err)
	w.WriteHeader(e.Kind.Status())
	_, _ = io.WriteString(w, e.Code)
}

// hears has the bank take in what identity tells.
func (b *bank) hears(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b.change(func() { b.streams, b.heard = 0, cancel })
	f := access.Follower{Set: b.set, Client: &http.Client{Transport: b.identity}, Log: slog.New(slog.DiscardHandler)}
	if err := f.Run(ctx); err != nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatal(err, ctx.Err())
	}
}

// browser keeps cookies.
type browser struct {
	*bank
	t   *testing.T
	jar *cookiejar.Jar
}

func (b *bank) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{b, t, jar}
}

type reply struct {
	status int
	text   string
	to     *url.URL
	header http.Header
}

func (b *browser) do(method, path string, header ...string) reply {
	b.t.Helper()
	at, err := url.Parse(bankURL)
	if err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.t.Context(), method, bankURL+path, bytes.NewReader(nil))
	r.Header.Set("Accept", "text/html")
	for n := 0; n+1 < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	for _, c := range b.jar.Cookies(at) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	res := w.Result()
	b.jar.SetCookies(at, res.Cookies())
	to, err := res.Location()
	if err != nil {
		to = &url.URL{}
	}
	return reply{res.StatusCode, w.Body.String(), to, res.Header}
}

// asks goes to where identity asks who it is, and returns the way back.
func (b *browser) asks(path string) string {
	b.t.Helper()
	got := b.do(http.MethodGet, path)
	if got.to.Path == "/session/start" {
		got = b.do(http.MethodGet, got.to.RequestURI())
	}
	if !strings.HasPrefix(got.to.String(), issuer+"/oauth2/authorize?") {
		b.t.Fatalf("%s: status %d, to %s: %s", path, got.status, got.to, got.text)
	}
	code := rand.Text()
	b.change(func() { b.codes[code] = got.to.Query() })
	return "/session/callback?" + url.Values{"code": {code}, "iss": {issuer}, "state": {got.to.Query().Get("state")}}.Encode()
}

// signsIn goes the whole way.
func (b *browser) signsIn(path string) {
	b.t.Helper()
	if got := b.do(http.MethodGet, b.asks(path)); got.status != http.StatusSeeOther || got.to.Path != path {
		b.t.Fatalf("status %d, to %s: %s", got.status, got.to, got.text)
	}
}

// expect opens a page.
func (b *browser) expect(path string, status int, text string) {
	b.t.Helper()
	if got := b.do(http.MethodGet, path); got.status != status || !strings.Contains(got.text, text) {
		b.t.Errorf("%s: status %d, %q, to %s; want %d, %q", path, got.status, got.text, got.to, status, text)
	}
}
