package session

import (
	"context"
	"net/http"
	"time"
)

// The Secure prefix makes browsers refuse the cookie from a plain connection.
const cookieName = "__Secure-guildhall-admin"

// Door is the HTTP side of BreakGlass for one domain: it signs browsers in and
// out, and tells the handlers behind it who is there.
type Door struct {
	BreakGlass *BreakGlass
	// Domain is the parent of all service hosts; the cookie is valid for them all.
	Domain string
	// Refuse answers a link that does not open.
	Refuse func(http.ResponseWriter, *http.Request, error)
	// Entered, if set, hears of each opened link, for the log.
	Entered func(*http.Request, Principal)
}

// EnterPage is the path at which links open.
const EnterPage = "/admin/enter"

// Mount adds GET /admin/enter?link=SECRET and POST /admin/leave.
func (d *Door) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+EnterPage, d.enter)
	mux.HandleFunc("POST /admin/leave", d.leave)
}

// EnterPath is the path and query of the link with the secret.
func EnterPath(secret string) string { return EnterPage + "?link=" + secret }

func (d *Door) enter(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead { // a preview must not spend the link
		return
	}
	c, secret, err := d.BreakGlass.Redeem(r.Context(), host(r.RemoteAddr), r.URL.Query().Get("link"))
	if err != nil {
		d.Refuse(w, r, err)
		return
	}
	http.SetCookie(w, d.cookie(secret, c.Expires))
	if p, ok := d.BreakGlass.Identify(Browser, secret); ok && d.Entered != nil {
		d.Entered(r, p)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (d *Door) leave(w http.ResponseWriter, r *http.Request) {
	if p, ok := From(r.Context()); ok && p.SessionID != "" {
		if err := d.BreakGlass.Leave(r.Context(), p, host(r.RemoteAddr)); err != nil {
			d.Refuse(w, r, err)
			return
		}
	}
	c := d.cookie("", time.Time{}) //nolint:gosec // it sets Secure, HttpOnly and SameSite
	c.MaxAge = -1
	http.SetCookie(w, c)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (d *Door) cookie(secret string, expires time.Time) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: secret, Path: "/", Domain: d.Domain, Expires: expires,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
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
		if p, live := d.BreakGlass.Identify(Token, token); live {
			return With(r.Context(), p)
		}
		return withBadToken(r.Context())
	}
	if c, err := r.Cookie(cookieName); err == nil {
		if p, live := d.BreakGlass.Identify(Browser, c.Value); live {
			return With(r.Context(), p)
		}
	}
	return r.Context()
}
