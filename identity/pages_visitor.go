package identity

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

// The cookies. The prefix makes browsers keep them to this host and to HTTPS.
const (
	sessionCookie  = "__Host-guildhall-session"
	pendingCookie  = "__Host-guildhall-pending"
	passkeyCookie  = "__Host-guildhall-passkey"
	recoveryCookie = "__Host-guildhall-recovery"
)

// visitor is somebody who is signed in.
type visitor struct {
	Account *account.Account
	Session session.Session
	Token   string
	From    string
	// MustEnrol says that the account needs a second factor and has none.
	MustEnrol bool
}

// by is the visitor for the audit log.
func (v *visitor) by() audit.Caller { return audit.Caller{Actor: v.Account.ID, From: v.From} }

// visitor is who is signed in, or session.ErrNone.
func (p *pages) visitor(r *http.Request) (*visitor, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil, session.ErrNone
	}
	s, err := p.Sessions.Find(r.Context(), c.Value)
	if err != nil {
		return nil, err
	}
	if s.Level < session.Password {
		return nil, session.ErrNone
	}
	a, err := p.Accounts.Get(r.Context(), s.Account)
	if errors.Is(err, account.ErrNotFound) {
		return nil, session.ErrNone
	}
	if err != nil {
		return nil, err
	}
	v := &visitor{Account: a, Session: s, Token: c.Value, From: from(r)}
	if a.SecondRequired {
		factors, err := p.Factors.Has(r.Context(), a.ID)
		if err != nil {
			return nil, err
		}
		v.MustEnrol = !factors.Any()
	}
	return v, nil
}

// frame is the frame of an error page: who is signed in keeps the navigation and the
// menu of the account.
func (p *pages) frame(r *http.Request) *web.Shell {
	plain := p.Site.Shell(Name, nil)
	if who, ok := signin.From(r.Context()); ok && who.Has(role.Viewer) && administers(r.URL.Path) && !who.Person() {
		return p.admin
	}
	v, err := p.visitor(r)
	if err != nil || v.Account.MustChange {
		return plain
	}
	who, err := p.principal(r.Context(), v)
	switch {
	case err != nil:
		return plain
	case !who.Has(role.Viewer):
		return p.shell.For(v.user())
	case administers(r.URL.Path):
		return p.admin.For(v.user())
	}
	return p.staff.For(v.user())
}

// user is the visitor as the header shows him.
func (v *visitor) user() *web.User {
	return &web.User{Name: v.Account.Name, Role: v.Account.Email, Person: true, Picture: views.Picture(v.Account), SignOut: "/sign-out"}
}

const (
	passwordPage = "/security/password"
	securityPage = "/security"
)

// signedIn sends whoever is not signed in to where that is done, to nothing but his
// password whoever must change it, and to nothing but the pages of second factors
// whoever must set one up.
func (p *pages) signedIn(h own) page {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := p.visitor(r)
		if errors.Is(err, session.ErrNone) {
			p.public.Redirect(w, r, toSignIn(r))
			return nil
		}
		if err != nil {
			return err
		}
		if v.Account.MustChange && r.URL.Path != passwordPage {
			p.public.Redirect(w, r, passwordPage)
			return nil
		}
		if v.MustEnrol && !protects(r.URL.Path) {
			p.shell.Flash(w, r, ui.Warn, i18n.T(r.Context(), "identity.security.required"))
			p.public.Redirect(w, r, securityPage)
			return nil
		}
		return h(w, r, v)
	}
}

// protects says whether the path is one of those that an account is protected on.
func protects(path string) bool {
	return path == securityPage || strings.HasPrefix(path, securityPage+"/") || path == "/confirm" || strings.HasPrefix(path, "/confirm/")
}

// toSignIn is the way to the sign-in and back.
func toSignIn(r *http.Request) string {
	if r.Method != http.MethodGet {
		return "/sign-in"
	}
	return views.WithReturn("/sign-in", r.URL.RequestURI())
}

// fresh asks again who it is when that was shown too long ago.
func (p *pages) fresh(h own) own {
	return p.freshOr(h, func(r *http.Request) string {
		if r.Method == http.MethodGet {
			return r.URL.RequestURI()
		}
		return securityPage
	})
}

// freshOr is fresh that leads to another page afterwards.
func (p *pages) freshOr(h own, back func(r *http.Request) string) own {
	return func(w http.ResponseWriter, r *http.Request, v *visitor) error {
		if v.Session.Age(p.Now()) <= p.Fresh {
			return h(w, r, v)
		}
		p.shell.Redirect(w, r, views.WithReturn("/confirm", back(r)))
		return nil
	}
}

// setCookie keeps a value in the browser for life, for its session when 0.
func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func dropCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// cookie is a cookie's value, empty without it.
func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
