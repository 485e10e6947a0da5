package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/platform/peer/peertest"
	"guildhall/platform/session"
)

func limited(clock *guildtest.Clock, c LimitsConfig) http.Handler {
	a := &App{cfg: Config{Limits: c}, opts: Options{Now: clock.Now}}
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") })
	return a.newLimits().around(ok, nil)
}

func ask(h http.Handler, path, from string, who ...session.Principal) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from
	for _, p := range who {
		r = r.WithContext(session.With(r.Context(), p))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAnonymousCallersAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	h := limited(clock, LimitsConfig{Anonymous: 0.5, Burst: 3, Exempt: []string{"10.0.0.0/8"}})
	for i := range 3 {
		if w := ask(h, "/ocsp", "192.0.2.1:1000"); w.Code != http.StatusOK {
			t.Fatalf("request %d: %d", i+1, w.Code)
		}
	}
	w := ask(h, "/ocsp", "192.0.2.1:2000")
	if after, err := strconv.Atoi(w.Header().Get("Retry-After")); w.Code != http.StatusTooManyRequests || err != nil || after != 2 {
		t.Fatalf("one too many: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	for name, got := range map[string]int{
		"another address":       ask(h, "/ocsp", "192.0.2.2:1000").Code,
		"an administrator":      ask(h, "/ocsp", "192.0.2.1:1000", session.Principal{ID: "break-glass:1"}).Code,
		"a proxy":               ask(h, "/ocsp", "10.1.2.3:1000").Code,
		"a proxy, IPv4 in IPv6": ask(h, "/ocsp", "[::ffff:10.1.2.3]:1000").Code,
	} {
		if got != http.StatusOK {
			t.Errorf("%s: %d", name, got)
		}
	}
	clock.Advance(2 * time.Second)
	if w := ask(h, "/ocsp", "192.0.2.1:1000"); w.Code != http.StatusOK {
		t.Errorf("after Retry-After: %d", w.Code)
	}
}

func TestOpeningLinksIsLimitedAlsoWithoutTheOtherLimit(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	h := limited(clock, LimitsConfig{})
	for i := range enterBurst {
		if w := ask(h, session.EnterPath("wrong"), "192.0.2.1:1000"); w.Code != http.StatusOK {
			t.Fatalf("link %d: %d", i+1, w.Code)
		}
	}
	if w := ask(h, session.EnterPath("wrong"), "192.0.2.1:1000"); w.Code != http.StatusTooManyRequests {
		t.Errorf("one link too many: %d", w.Code)
	}
	if w := ask(h, "/", "192.0.2.1:1000"); w.Code != http.StatusOK {
		t.Errorf("another page: %d", w.Code)
	}
}

func TestLimitStandsBeforeAllAnonymousEntrances(t *testing.T) {
	t.Parallel()
	authority, err := peertest.NewAuthority(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, t.TempDir(), authority, io.Discard)
	o.Config.Limits = LimitsConfig{Anonymous: 0.001, Burst: 1}
	a, err := open(t.Context(), o, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	plain := a.plain()
	for i, entrance := range []struct {
		name, host, path string
		handler          http.Handler
	}{
		{"portal", "guildhall.localhost", "/", a.hosts}, {"service", "notes.guildhall.localhost", "/", a.hosts},
		{"public operation", "notes.guildhall.localhost", "/api/v1/notes", a.hosts}, {"health", "guildhall.localhost", "/healthz", a.hosts},
		{"foreign host", "evil.example.com", "/", a.hosts}, {"plain file", "guildhall.localhost", "/public", plain},
		{"redirection", "guildhall.localhost", "/x", plain},
	} {
		get := func() *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodGet, entrance.path, nil).WithContext(context.WithoutCancel(t.Context()))
			r.Host, r.RemoteAddr = entrance.host, "192.0.2."+strconv.Itoa(i)+":1000"
			w := httptest.NewRecorder()
			entrance.handler.ServeHTTP(w, r)
			return w
		}
		if first := get(); first.Code == http.StatusTooManyRequests {
			t.Errorf("%s: the first request was refused", entrance.name)
		}
		if second := get(); second.Code != http.StatusTooManyRequests || second.Header().Get("Retry-After") == "" {
			t.Errorf("%s: the second got %d, Retry-After %q", entrance.name, second.Code, second.Header().Get("Retry-After"))
		}
	}
}

func TestForeignHostGetsTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	authority, err := peertest.NewAuthority(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := open(t.Context(), options(t, t.TempDir(), authority, io.Discard), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "evil.example.com"
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	a.hosts.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound || w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestCheckRefusesLimitsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]LimitsConfig{
		"negative": {Anonymous: -1, Burst: 1}, "no burst": {Anonymous: 1}, "no network": {Exempt: []string{"10.0.0.1"}},
	} {
		cfg := DefaultConfig()
		cfg.Limits = c
		if err := cfg.Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	cfg := DefaultConfig()
	if err := cfg.Check(); err != nil {
		t.Error(errors.Unwrap(err))
	}
}
