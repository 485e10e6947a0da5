package identity

import (
	"context"
	"net/http"
	"strings"

	"guildhall/identity/internal/role"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

// administration is where administrators begin.
const administration = "/admin/users"

// adminNav is the navigation of the pages under /admin.
func adminNav() []web.NavItem {
	return []web.NavItem{
		{Path: administration, Key: "identity.nav.users", Icon: "user"},
		{Path: groupsPage, Key: "identity.groups", Icon: "users"},
		{Path: directoryPath, Key: "identity.nav.directory", Icon: "directory"},
		{Path: clientsPage, Key: "identity.clients", Icon: "link"},
		{Path: keysPage, Key: "identity.keys", Icon: "key"},
		{Path: lettersPage, Key: "identity.letters", Icon: "mail"},
		{Path: auditPage, Key: "web.audit.title", Icon: "log"},
		{Path: "/api", Key: "app.api.title", Icon: "code"},
		{Path: "/", Key: "identity.nav.own", Icon: "home"},
	}
}

// administrator is who looks at a page under /admin: somebody who is signed in
// here, or who came by a break-glass link.
type administrator struct {
	// User is whom the header shows; nil: whom the process knows.
	User *web.User
	By   audit.Caller
	// May says that this is no mere viewer.
	May bool
}

// staff is a handler for administrators.
type staff func(w http.ResponseWriter, r *http.Request, a *administrator) error

// mountAdmin registers the pages under /admin.
func (p *pages) mountAdmin(mux *http.ServeMux) {
	looks, changes := map[string]staff{}, map[string]staff{}
	p.adminPages(looks, changes)
	for pattern, h := range looks {
		mux.Handle(pattern, p.answer(p.administers(role.Viewer, h)))
	}
	for pattern, h := range changes {
		mux.Handle(pattern, p.answer(p.administers(role.Admin, h)))
	}
}

// adminPages names what viewers may look at, and what only administrators may do.
func (p *pages) adminPages(looks, changes map[string]staff) {
	looks["GET /admin"] = func(w http.ResponseWriter, r *http.Request, _ *administrator) error {
		p.public.Redirect(w, r, administration)
		return nil
	}
	p.userPages(looks, changes)
	p.groupPages(looks, changes)
	p.clientPages(looks, changes)
	p.keyPages(looks, changes)
	p.directoryPages(looks, changes)
	p.letterPages(looks, changes)
	p.auditPages(looks)
}

// administers lets only those through who have the role. Whoever changes something
// shows again who it is when that was shown too long ago.
func (p *pages) administers(needed string, h staff) page {
	return func(w http.ResponseWriter, r *http.Request) error {
		if who, ok := session.From(r.Context()); ok && who.Has(needed) {
			return h(w, r, &administrator{By: session.Caller(r.Context(), r.RemoteAddr), May: who.Has(role.Admin)})
		}
		signed := func(w http.ResponseWriter, r *http.Request, v *visitor) error {
			who, err := p.principal(r.Context(), v)
			if err != nil {
				return err
			}
			r = r.WithContext(session.With(r.Context(), who))
			if err := session.Check(r.Context(), needed); err != nil {
				return err
			}
			return h(w, r, &administrator{User: v.user(), By: v.by(), May: who.Has(role.Admin)})
		}
		if needed == role.Admin {
			signed = p.freshOr(signed, whence)
		}
		return p.signedIn(signed)(w, r)
	}
}

// principal is somebody who is signed in here as platform/session knows people.
func (p *pages) principal(ctx context.Context, v *visitor) (session.Principal, error) {
	roles, err := p.Roles.Of(ctx, v.Account.ID)
	return session.Principal{ID: v.Account.ID, Name: v.Account.Name, Roles: roles, SessionID: v.Session.ID}, err
}

// whence is the page that a form under /admin stands on: of /admin/users/{id}/disable
// it is /admin/users/{id}.
func whence(r *http.Request) string {
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	return "/" + strings.Join(parts[:min(len(parts), 3)], "/")
}

// showAdmin answers an administrator.
func (p *pages) showAdmin(w http.ResponseWriter, r *http.Request, a *administrator, err error, page web.Page) error {
	page.User = a.User
	p.render(p.admin, w, r, err, page)
	return nil
}

// did tells an administrator what was done, or what it was refused for, on the page
// that follows.
func (p *pages) did(w http.ResponseWriter, r *http.Request, err error, done, to string) error {
	switch e := fault.As(err); {
	case err == nil:
		p.admin.Flash(w, r, ui.Good, done)
	case e.Kind == fault.Internal || e.Kind == fault.Unavailable:
		return err
	case len(e.Fields) > 0:
		p.admin.Flash(w, r, ui.Bad, ui.Problem(r.Context(), e.Fields[0]))
	default:
		p.admin.Flash(w, r, ui.Bad, web.FaultText(r.Context(), err))
	}
	p.admin.Redirect(w, r, to)
	return nil
}
