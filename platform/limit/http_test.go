package limit_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"guildhall/platform/limit"
)

func TestMiddleware(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := limit.New(limit.Options{Rate: 0.4, Burst: 2, Now: func() time.Time { return now }})
	h := limit.Middleware(l, limit.ClientKey, nil)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	get := func(from string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, from := range []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1"} {
		if w := get(from); w.Code != http.StatusNoContent {
			t.Errorf("%s: status %d", from, w.Code)
		}
	}
	w := get("192.0.2.1:3")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "3" ||
		w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), "Try again in 3 s.") {
		t.Errorf("status %d, %v, %s", w.Code, w.Header(), w.Body)
	}
	now = now.Add(2500 * time.Millisecond)
	if w := get("192.0.2.1:3"); w.Code != http.StatusNoContent {
		t.Errorf("after the wait: status %d", w.Code)
	}
}

func TestMiddlewareAsksItsOwner(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Options{Rate: 1, Burst: 1})
	var refused error
	key := func(r *http.Request) string { return r.Header.Get("K") }
	h := limit.Middleware(l, key, func(w http.ResponseWriter, _ *http.Request, err error) {
		refused = err
		w.WriteHeader(http.StatusTeapot)
	})(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	codes := func(k string) (all []int) {
		for range 3 {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("K", k)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			all = append(all, w.Code)
		}
		return all
	}
	if got := codes(""); got[2] != http.StatusOK {
		t.Errorf("without a key: %v", got)
	}
	if got := codes("k"); got[0] != http.StatusOK || got[1] != http.StatusTeapot || !errors.Is(refused, limit.ErrTooMany) {
		t.Errorf("with a key: %v, %v", got, refused)
	}
}

func TestAddrKey(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64", "[2001:db8::1]": "2001:db8::/64",
		"[fe80::1%eth0]:80": "fe80::/64", "": "unknown", "@": "unknown", "host:80": "unknown",
	} {
		if got := limit.AddrKey(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
