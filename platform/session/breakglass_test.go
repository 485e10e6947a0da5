package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/session"
)

type world struct {
	path string
	time time.Time
	b    *session.BreakGlass

	mu sync.Mutex
	// entries are what was recorded, tried how often, refuse what recording answers.
	entries []entry
	tried   int
	refuse  error
	log     bytes.Buffer
}

// entry is what a log is given.
type entry struct {
	by              audit.Caller
	action, subject string
	detail          map[string]any
}

func (w *world) record(_ context.Context, by audit.Caller, action, subject string, detail map[string]any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tried++
	if w.refuse == nil {
		w.entries = append(w.entries, entry{by, action, subject, detail})
	}
	return w.refuse
}

// root is who asks on the server.
var root = audit.Caller{Actor: "local:root", From: "local"}

func (w *world) now() time.Time { return w.time }

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{path: filepath.Join(t.TempDir(), "admin.json"), time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	w.open(t)
	return w
}

func (w *world) open(t *testing.T) {
	t.Helper()
	b, err := session.OpenBreakGlass(w.options(true))
	if err != nil {
		t.Fatal(err)
	}
	w.b = b
}

func (w *world) options(enabled bool) session.BreakGlassOptions {
	return session.BreakGlassOptions{Path: w.path, Enabled: enabled, Now: w.now, Record: w.record, Log: slog.New(slog.NewTextHandler(&w.log, nil))}
}

func (w *world) issue(t *testing.T, kind session.Kind, life time.Duration) (session.Credential, string) {
	t.Helper()
	c, secret, err := w.b.Issue(t.Context(), root, kind, "test", life)
	if err != nil {
		t.Fatal(err)
	}
	return c, secret
}

func TestLinkOpensOnce(t *testing.T) {
	w := setup(t)
	_, link := w.issue(t, session.Link, session.LinkLife)
	_, cookie, err := w.b.Redeem(t.Context(), "192.0.2.7", "", link)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := w.b.Identify(session.Browser, "", cookie); !ok || !p.Has("ca.admin") {
		t.Fatalf("the session is %+v, %v", p, ok)
	}
	if _, _, err := w.b.Redeem(t.Context(), "192.0.2.7", "", link); !errors.Is(err, session.ErrLinkSpent) {
		t.Fatalf("second use: %v", err)
	}
}

func TestCredentialsSurviveARestartAndExpire(t *testing.T) {
	w := setup(t)
	_, token := w.issue(t, session.Token, time.Hour)
	w.open(t)
	if _, ok := w.b.Identify(session.Token, "", token); !ok {
		t.Fatal("the token did not survive a restart")
	}
	if _, ok := w.b.Identify(session.Browser, "", token); ok {
		t.Fatal("a token passes for a cookie")
	}
	w.time = w.time.Add(time.Hour)
	if _, ok := w.b.Identify(session.Token, "", token); ok {
		t.Fatal("the token outlived its hour")
	}
	if len(w.b.List()) != 0 {
		t.Fatal("an expired token is listed")
	}
}

func TestEnd(t *testing.T) {
	w := setup(t)
	c, token := w.issue(t, session.Token, time.Hour)
	_, other := w.issue(t, session.Token, time.Hour)
	if err := w.b.End(t.Context(), root, c.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.b.Identify(session.Token, "", token); ok {
		t.Fatal("a withdrawn token works")
	}
	if _, ok := w.b.Identify(session.Token, "", other); !ok {
		t.Fatal("another token was withdrawn too")
	}
	if err := w.b.End(t.Context(), root, c.ID); !errors.Is(err, session.ErrNoCredential) {
		t.Fatalf("second end: %v", err)
	}
	if err := w.b.EndAll(t.Context(), root); err != nil || len(w.b.List()) != 0 {
		t.Fatalf("end all: %v, %v", err, w.b.List())
	}
}

func TestFileHoldsNoSecretAndIsPrivate(t *testing.T) {
	w := setup(t)
	_, token := w.issue(t, session.Token, time.Hour)
	text, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), token) {
		t.Fatal("the file holds the secret")
	}
	info, err := os.Stat(w.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	w := setup(t)
	if err := os.WriteFile(w.path, []byte(`[{"id":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := session.OpenBreakGlass(w.options(true)); err == nil || !strings.Contains(err.Error(), w.path) {
		t.Fatalf("got %v", err)
	}
}

func TestTurnedOff(t *testing.T) {
	w := setup(t)
	_, token := w.issue(t, session.Token, time.Hour)
	_, link := w.issue(t, session.Link, time.Hour)
	off, err := session.OpenBreakGlass(w.options(false))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := off.Identify(session.Token, "", token); ok {
		t.Fatal("a token works although break-glass is off")
	}
	if _, _, err := off.Redeem(t.Context(), "192.0.2.7", "", link); !errors.Is(err, session.ErrDisabled) {
		t.Fatalf("redeem: %v", err)
	}
	if _, _, err := off.Issue(t.Context(), root, session.Token, "x", time.Hour); !errors.Is(err, session.ErrDisabled) {
		t.Fatalf("issue: %v", err)
	}
}

// door is a server with one guarded page.
func door(t *testing.T, w *world) *http.ServeMux {
	t.Helper()
	return doorAt(w, "")
}

// doorAt is door on a service's host.
func doorAt(w *world, host string) *http.ServeMux {
	d := session.Door{BreakGlass: w.b, Refuse: fault.Write, Address: func(service string) string {
		if service != "ca" && service != "bank" {
			return ""
		}
		return "https://" + service + ".guildhall.localhost"
	}}.At(host)
	mux := http.NewServeMux()
	d.Mount(mux)
	guard := session.Require("ca.admin", fault.Write)
	mux.Handle("GET /secret", guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := session.From(r.Context())
		_, _ = w.Write([]byte(p.ID))
	})))
	outer := http.NewServeMux()
	outer.Handle("/", d.Identify(mux))
	return outer
}

func request(h http.Handler, method, target string, edit func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://guildhall.localhost"+target, nil)
	if edit != nil {
		edit(r)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestBrowserSignsInAndOut(t *testing.T) {
	w := setup(t)
	h := door(t, w)
	_, link := w.issue(t, session.Link, session.LinkLife)
	if got := request(h, http.MethodHead, session.EnterPath(link), nil); len(got.Result().Cookies()) != 0 {
		t.Fatal("a HEAD request spent the link")
	}
	entered := request(h, http.MethodGet, session.EnterPath(link), nil)
	cookies := entered.Result().Cookies()
	if entered.Code != http.StatusSeeOther || len(cookies) != 1 {
		t.Fatalf("enter: %d, cookies %v", entered.Code, cookies)
	}
	if c := cookies[0]; !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") {
		t.Fatalf("cookie %+v", c)
	}
	signedIn := func(r *http.Request) { r.AddCookie(cookies[0]) }
	if got := request(h, http.MethodGet, "/secret", signedIn); got.Code != http.StatusOK {
		t.Fatalf("signed in: %d %s", got.Code, got.Body)
	}
	if got := request(h, http.MethodPost, "/admin/leave", signedIn); got.Code != http.StatusSeeOther {
		t.Fatalf("leave: %d", got.Code)
	}
	if got := request(h, http.MethodGet, "/secret", signedIn); got.Code != http.StatusUnauthorized {
		t.Fatalf("after leaving: %d", got.Code)
	}
}

func TestBearerToken(t *testing.T) {
	w := setup(t)
	h := door(t, w)
	_, token := w.issue(t, session.Token, time.Hour)
	for header, want := range map[string]int{
		"Bearer " + token: http.StatusOK, "bearer " + token: http.StatusOK,
		"Bearer " + token + "x": http.StatusUnauthorized, "Basic " + token: http.StatusUnauthorized, "": http.StatusUnauthorized,
	} {
		got := request(h, http.MethodGet, "/secret", func(r *http.Request) { r.Header.Set("Authorization", header) })
		if got.Code != want {
			t.Errorf("%q: %d, want %d", header, got.Code, want)
		}
	}
}

func TestRoles(t *testing.T) {
	p := session.Principal{Roles: []string{"ca.viewer"}}
	if !p.Has("ca.viewer") || p.Has("ca.admin") {
		t.Fatal("roles are mixed up")
	}
	if err := session.Check(session.With(t.Context(), p), "ca.admin"); !errors.Is(err, session.ErrForbidden) {
		t.Fatalf("got %v", err)
	}
}

func TestRefusalsSayWhetherATokenCame(t *testing.T) {
	w := setup(t)
	h := door(t, w)
	ended, endedToken := w.issue(t, session.Token, time.Hour)
	if err := w.b.End(t.Context(), root, ended.ID); err != nil {
		t.Fatal(err)
	}
	_, expired := w.issue(t, session.Token, time.Minute)
	w.time = w.time.Add(time.Minute)
	_, live := w.issue(t, session.Token, time.Minute)
	_, link := w.issue(t, session.Link, time.Minute)
	const none, bad = `Bearer realm="guildhall"`, `Bearer realm="guildhall", error="invalid_token"`
	var texts []string
	for name, c := range map[string]struct{ header, code, challenge string }{
		"nothing":       {"", "unauthenticated", none},
		"other scheme":  {"Basic " + live, "unauthenticated", none},
		"never existed": {"Bearer ghb_AAAAAAAAAAAAAAAAAAAAAAAAAA", "invalid_token", bad},
		"not ours":      {"Bearer x", "invalid_token", bad},
		"empty":         {"Bearer ", "invalid_token", bad},
		"expired":       {"Bearer " + expired, "invalid_token", bad},
		"withdrawn":     {"bearer " + endedToken, "invalid_token", bad},
		"a link":        {"Bearer " + link, "invalid_token", bad},
	} {
		got := request(h, http.MethodGet, "/secret", func(r *http.Request) { r.Header.Set("Authorization", c.header) })
		var p fault.Problem
		if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil || got.Code != http.StatusUnauthorized || p.Code != c.code || got.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %+v, WWW-Authenticate %q", name, got.Code, p, got.Header().Get("WWW-Authenticate"))
		}
		if !strings.Contains(p.Detail, "guildhall admin token") {
			t.Errorf("%s: no command in %q", name, p.Detail)
		}
		if c.code == "invalid_token" {
			texts = append(texts, p.Detail)
		}
	}
	if len(slices.Compact(texts)) != 1 {
		t.Errorf("the texts tell whether a token ever existed: %q", texts)
	}
	if got := request(h, http.MethodGet, "/secret", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+live) }); got.Code != http.StatusOK {
		t.Errorf("live: %d", got.Code)
	}
}

func TestForbiddenIsAMatterOfScope(t *testing.T) {
	h := http.Header{}
	session.Challenge(h, session.Check(session.With(t.Context(), session.Principal{ID: "x"}), "ca.admin"))
	if got := h.Get("WWW-Authenticate"); got != `Bearer realm="guildhall", error="insufficient_scope"` {
		t.Errorf("%q", got)
	}
}
