package identity

import (
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"

	"guildhall/identity/internal/role"
	"guildhall/identity/internal/session"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
)

// orJSON has a form answered by the page, and JSON by the operation of the same
// address.
func (p *pages) orJSON(h page) page {
	return func(w http.ResponseWriter, r *http.Request) error {
		if p.JSON != nil && isJSON(r.Header.Get("Content-Type")) {
			p.JSON.ServeHTTP(w, r)
			return nil
		}
		return h(w, r)
	}
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json"
}

// errConfirm says that a change needs a sign-in that is younger.
var errConfirm = fault.New(fault.Forbidden, "confirm_first",
	"It is too long ago that you showed who you are. Do so at /confirm, then send this again.")

// identify lets those who are signed in here use the API from its page: what their
// roles allow, and changes only while their sign-in is fresh, as on the pages. It
// looks at nothing but the API; a token goes before a cookie.
func (p *pages) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/language" {
			p.keepLanguage(r)
		}
		_, known := signin.From(r.Context())
		if known || r.Header.Get("Authorization") != "" || !ofAPI(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		v, err := p.visitor(r)
		switch {
		case errors.Is(err, session.ErrNone), err == nil && (v.Account.MustChange || v.MustEnrol):
			next.ServeHTTP(w, r)
			return
		case err != nil:
			fault.Write(w, r, err)
			return
		}
		changes := r.Method != http.MethodGet && r.Method != http.MethodHead
		if changes && r.URL.Path != mePath && v.Session.Age(p.Now()) > p.Fresh {
			fault.Write(w, r, errConfirm)
			return
		}
		who, err := p.principal(r.Context(), v)
		if err != nil {
			fault.Write(w, r, err)
			return
		}
		who.AuthTime = v.Session.AuthenticatedAt
		next.ServeHTTP(w, r.WithContext(signin.With(r.Context(), who)))
	})
}

// apiShell frames the API's page with the navigation of whoever looks at it.
func (p *pages) apiShell(r *http.Request) *web.Shell {
	who, known := signin.From(r.Context())
	switch {
	case !known:
		return p.public
	case who.Has(role.Viewer):
		return p.seen(r, p.admin)
	}
	return p.seen(r, p.shell)
}

// seen is the shell with the visitor in its header, picture and all.
func (p *pages) seen(r *http.Request, shell *web.Shell) *web.Shell {
	v, err := p.visitor(r)
	if err != nil { // came through the emergency entrance, or has no session: a token
		return shell
	}
	return shell.For(v.user())
}

// keepLanguage makes the language that is chosen in the header that of the profile too:
// the next sign-in and the letters speak it. The choice counts for the browser in any
// case.
func (p *pages) keepLanguage(r *http.Request) {
	chosen := r.PostFormValue("lang")
	v, err := p.visitor(r)
	if err != nil || !slices.ContainsFunc(i18n.Languages(), func(l i18n.Language) bool { return l.Code == chosen }) {
		return
	}
	if err := p.Accounts.Prefer(r.Context(), v.Account.ID, chosen, v.by()); err != nil {
		p.Log.WarnContext(r.Context(), "a language was not kept in the profile", "err", err)
	}
}

// ofAPI says whether a path is the API, its page, or one's own part of it.
func ofAPI(path string) bool {
	return path == "/api" || strings.HasPrefix(path, "/api/") || path == mePath
}
