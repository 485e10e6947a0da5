package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/platform/session"
)

// hall is a portal and two services, and a browser that has entered at the portal.
type hall struct {
	*world
	hosts  map[string]http.Handler
	portal *http.Cookie
}

func openHall(t *testing.T) *hall {
	t.Helper()
	w := setup(t)
	h := &hall{world: w, hosts: map[string]http.Handler{"": doorAt(w, ""), "ca": doorAt(w, "ca"), "bank": doorAt(w, "bank")}}
	_, link := w.issue(t, session.Link, session.LinkLife)
	h.portal = theCookie(t, request(h.hosts[""], http.MethodGet, session.EnterPath(link), nil))
	return h
}

func theCookie(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	all := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(all) != 1 || !strings.HasPrefix(all[0].Name, "__Host-") || all[0].Domain != "" || !all[0].Secure || !all[0].HttpOnly {
		t.Fatalf("entering: status %d, %s, cookies %v", w.Code, w.Body, all)
	}
	return all[0]
}

// ask sends a request with a cookie, if any.
func (h *hall) ask(host, method, target string, c *http.Cookie) *httptest.ResponseRecorder {
	return request(h.hosts[host], method, target, func(r *http.Request) {
		if c != nil {
			r.AddCookie(c)
		}
	})
}

// ticket is the way on from the portal to a host: the path there.
func (h *hall) ticket(t *testing.T, host string) string {
	t.Helper()
	got := h.ask("", http.MethodGet, session.PassPath(host)+"&return_to=/secret", h.portal)
	to, err := got.Result().Location()
	if err != nil || to.Host != host+".guildhall.localhost" || to.Path != session.EnterPage || got.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("the way to %s: status %d, %v, %v", host, got.Code, to, err)
	}
	return to.RequestURI()
}

// opens says whether a cookie shows the guarded page of a host, and to whom.
func (h *hall) opens(host string, c *http.Cookie) (who string, ok bool) {
	got := h.ask(host, http.MethodGet, "/secret", c)
	return got.Body.String(), got.Code == http.StatusOK
}

func TestACookieOpensOneHost(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	ticket := h.ticket(t, "ca")
	if got := h.ask("bank", http.MethodGet, ticket, nil); got.Code != http.StatusGone || len(got.Result().Cookies()) > 0 {
		t.Errorf("the authority's ticket at the bank: %d", got.Code)
	}
	if got := h.ask("", http.MethodGet, ticket, nil); got.Code != http.StatusGone {
		t.Errorf("the authority's ticket at the portal: %d", got.Code)
	}
	if got := h.ask("ca", http.MethodHead, ticket, nil); len(got.Result().Cookies()) > 0 {
		t.Error("a HEAD request spent the ticket")
	}
	entered := h.ask("ca", http.MethodGet, ticket, nil)
	own := theCookie(t, entered)
	if to := entered.Header().Get("Location"); to != "/secret" {
		t.Errorf("the ticket leads to %s", to)
	}
	if got := h.ask("ca", http.MethodGet, ticket, nil); got.Code != http.StatusGone {
		t.Errorf("the ticket again: %d", got.Code)
	}
	cookies := map[string]*http.Cookie{"": h.portal, "ca": own}
	for of, c := range cookies {
		for host := range h.hosts {
			if _, ok := h.opens(host, c); ok != (of == host) {
				t.Errorf("the cookie of %q opens %q: %t", of, host, ok)
			}
		}
	}
	atPortal, _ := h.opens("", h.portal)
	if atCA, _ := h.opens("ca", own); atCA != atPortal {
		t.Errorf("one person is %s at the portal and %s at the authority", atPortal, atCA)
	}
	// A link opens the host at which it is opened, and that alone.
	_, link := h.issue(t, session.Link, session.LinkLife)
	direct := theCookie(t, h.ask("bank", http.MethodGet, session.EnterPath(link), nil))
	if _, ok := h.opens("bank", direct); !ok {
		t.Error("a link does not open the host of a service")
	}
	if _, ok := h.opens("", direct); ok {
		t.Error("a link that was opened at the bank opens the portal")
	}
}

func TestTicketsAreForThoseWhoEntered(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	_, token := h.issue(t, session.Token, time.Hour)
	stranger := &http.Cookie{Name: h.portal.Name, Value: token, Secure: true, HttpOnly: true}
	for name, got := range map[string]*httptest.ResponseRecorder{
		"nobody":            h.ask("", http.MethodGet, session.PassPath("ca"), nil),
		"a token as cookie": h.ask("", http.MethodGet, session.PassPath("ca"), stranger),
		"a preview":         h.ask("", http.MethodHead, session.PassPath("ca"), h.portal),
		"a link of elsewhere": request(h.hosts[""], http.MethodGet, session.PassPath("ca"), func(r *http.Request) {
			r.AddCookie(h.portal)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}),
	} {
		if to := got.Header().Get("Location"); got.Code != http.StatusSeeOther || to != "https://ca.guildhall.localhost/" {
			t.Errorf("%s: status %d, to %s", name, got.Code, to)
		}
	}
	if got := h.ask("ca", http.MethodGet, session.PassPath("bank"), h.portal); got.Code != http.StatusNotFound {
		t.Errorf("a service hands tickets out: %d", got.Code)
	}
	for _, service := range []string{"", "evil", "evil.example/", "ca.evil", "CA", "//evil.example"} {
		if to := h.ask("", http.MethodGet, session.PassPath(service), h.portal).Header().Get("Location"); to != "/" {
			t.Errorf("the way to %q leads to %s", service, to)
		}
	}
	for _, back := range []string{"//evil.example", `/\evil.example`, "https://evil.example", "@evil.example", ".evil.example", "/session/end"} {
		got := h.ask("", http.MethodGet, session.PassPath("ca")+"&return_to="+url.QueryEscape(back), h.portal)
		to, err := got.Result().Location()
		if err != nil || to.Host != "ca.guildhall.localhost" || to.Query().Get("return_to") != "/" {
			t.Errorf("back to %q: %v, %v", back, to, err)
		}
		entered := h.ask("ca", http.MethodGet, session.EnterPath(to.Query().Get("link"))+"&return_to="+url.QueryEscape(back), nil)
		if entered.Header().Get("Location") != "/" {
			t.Errorf("entering leads to %s", entered.Header().Get("Location"))
		}
	}
	off, err := session.OpenBreakGlass(h.options(false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := off.Ticket(session.Principal{}, "ca"); !errors.Is(err, session.ErrDisabled) {
		t.Errorf("a ticket where the entrance is closed: %v", err)
	}
}

func TestWhatBeganTogetherEndsTogether(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, h *hall, own *http.Cookie){
		"leaving at the service": func(_ *testing.T, h *hall, own *http.Cookie) { h.ask("ca", http.MethodPost, "/admin/leave", own) },
		"leaving at the portal":  func(_ *testing.T, h *hall, _ *http.Cookie) { h.ask("", http.MethodPost, "/admin/leave", h.portal) },
		"the first is withdrawn": func(t *testing.T, h *hall, _ *http.Cookie) {
			who, _ := h.opens("", h.portal)
			if err := h.b.End(t.Context(), root, strings.TrimPrefix(who, "break-glass:")); err != nil {
				t.Error(err)
			}
		},
		"the first is over": func(_ *testing.T, h *hall, _ *http.Cookie) { h.time = h.time.Add(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHall(t)
			h.time = h.time.Add(session.BrowserLife - time.Minute)
			own := theCookie(t, h.ask("ca", http.MethodGet, h.ticket(t, "ca"), nil))
			pending := h.ticket(t, "bank")
			if _, ok := h.opens("ca", own); !ok {
				t.Fatal("nobody is there")
			}
			end(t, h, own)
			for host, c := range map[string]*http.Cookie{"": h.portal, "ca": own} {
				if _, ok := h.opens(host, c); ok {
					t.Errorf("the cookie of %q works on", host)
				}
			}
			if got := h.ask("bank", http.MethodGet, pending, nil); got.Code != http.StatusGone {
				t.Errorf("a ticket works on: %d", got.Code)
			}
			if left := h.b.List(); len(left) != 0 {
				t.Errorf("what lives: %+v", left)
			}
		})
	}
}

func TestATicketIsShortAndSingle(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	late := h.ticket(t, "ca")
	h.time = h.time.Add(session.TicketLife)
	if got := h.ask("ca", http.MethodGet, late, nil); got.Code != http.StatusGone {
		t.Errorf("a ticket that is over: %d", got.Code)
	}
	ticket := h.ticket(t, "ca")
	var entered atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if h.ask("ca", http.MethodGet, ticket, nil).Code == http.StatusSeeOther {
				entered.Add(1)
			}
		})
	}
	all.Wait()
	if n := entered.Load(); n != 1 {
		t.Errorf("%d entered with one ticket", n)
	}
}
