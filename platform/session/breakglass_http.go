package session

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// The prefix makes browsers keep the cookie to this host and to HTTPS, and refuse one
// that another host sets.
const cookieName = "__Host-guildhall-admin"

// Door is the HTTP side of BreakGlass for one host: it signs browsers in and out, and
// tells the handlers behind it who is there.
type Door struct {
	BreakGlass *BreakGlass
	// Host is the service on whose host it is; empty: the portal.
	Host string
	// Address is the https address of a service's host, without final slash; empty:
	// there is none.
	Address func(service string) string
	// Refuse answers a link that does not open.
	Refuse func(http.ResponseWriter, *http.Request, error)
	// Entered, if set, hears of each opened link, for the log.
	Entered func(*http.Request, Principal)
}

// At is the same door at another host.
func (d Door) At(host string) *Door {
	d.Host = host
	return &d
}

const (
	// EnterPage is the path at which links open.
	EnterPage = "/admin/enter"
	// passPage is the path on the portal from which one goes on to a service's host.
	passPage = "/admin/pass"
)

// Mount adds GET /admin/enter?link=SECRET and POST /admin/leave, and on the portal
// GET /admin/pass?to=SERVICE.
func (d *Door) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+EnterPage, d.enter)
	mux.HandleFunc("POST /admin/leave", d.leave)
	if d.Host == "" {
		mux.HandleFunc("GET "+passPage, d.pass)
	}
}

// EnterPath is the path and query of the link with the secret.
func EnterPath(secret string) string { return EnterPage + "?link=" + secret }

// PassPath is the path and query on the portal that lead who entered there to a
// service's host, and in.
func PassPath(service string) string { return passPage + "?to=" + url.QueryEscape(service) }

func (d *Door) enter(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead { // a preview must not spend the link
		return
	}
	asked := r.URL.Query()
	c, secret, err := d.BreakGlass.Redeem(r.Context(), host(r.RemoteAddr), d.Host, asked.Get("link"))
	if err != nil {
		d.Refuse(w, r, err)
		return
	}
	http.SetCookie(w, cookie(secret, c.Expires))
	if d.Entered != nil {
		d.Entered(r, c.principal())
	}
	http.Redirect(w, r, OwnPath(asked.Get("return_to")), http.StatusSeeOther) //nolint:gosec // OwnPath: a path of this host
}

// pass leads to a page of a service's host: who entered here by a ticket, everybody
// else as he is. No other site makes tickets.
func (d *Door) pass(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	asked := r.URL.Query()
	address, to := d.Address(asked.Get("to")), OwnPath(asked.Get("return_to"))
	if address == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	p, _ := From(r.Context())
	if !p.BreakGlass() || r.Method == http.MethodHead || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		http.Redirect(w, r, address+to, http.StatusSeeOther) //nolint:gosec // one of our hosts, and a path
		return
	}
	ticket, err := d.BreakGlass.Ticket(p, asked.Get("to"))
	if err != nil {
		d.Refuse(w, r, err)
		return
	}
	http.Redirect(w, r, address+EnterPath(ticket)+"&return_to="+url.QueryEscape(to), http.StatusSeeOther)
}

func (d *Door) leave(w http.ResponseWriter, r *http.Request) {
	if p, ok := From(r.Context()); ok && p.BreakGlass() {
		if err := d.BreakGlass.Leave(r.Context(), p, host(r.RemoteAddr)); err != nil {
			d.Refuse(w, r, err)
			return
		}
	}
	c := cookie("", time.Time{}) //nolint:gosec // it sets Secure, HttpOnly and SameSite
	c.MaxAge = -1
	http.SetCookie(w, c)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func cookie(secret string, expires time.Time) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: secret, Path: "/", Expires: expires, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Identify puts the principal of the cookie or the bearer token into the
// request's context. A request with neither goes on as nobody's, and so does one
// whose token is not live; Check tells the two apart.
func (d *Door) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(d.who(r)))
	})
}

func (d *Door) who(r *http.Request) context.Context {
	if token, ok := bearer(r); ok {
		if p, live := d.BreakGlass.Identify(Token, d.Host, token); live {
			return With(r.Context(), p)
		}
		return withBadToken(r.Context())
	}
	if c, err := r.Cookie(cookieName); err == nil {
		if p, live := d.BreakGlass.Identify(Browser, d.Host, c.Value); live {
			return With(r.Context(), p)
		}
	}
	return r.Context()
}
