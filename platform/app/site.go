package app

import (
	"context"
	"io/fs"
	"net/http"

	"guildhall/platform/app/locales"
	"guildhall/platform/i18n"
	"guildhall/platform/session"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
)

// newSite joins the catalogues and tells the pages about the process.
func (a *App) newSite(defs []Definition) (*web.Site, error) {
	catalogues := []fs.FS{weblocales.FS(), locales.FS()}
	services := []string{"portal"}
	for _, d := range defs {
		if d.Locales != nil {
			catalogues = append(catalogues, d.Locales)
		}
		services = append(services, d.Name)
	}
	bundle, err := i18n.NewBundle(catalogues...)
	if err != nil {
		return nil, err
	}
	roles := map[string]string{}
	for _, r := range a.roles() {
		roles[r.Name] = r.Key
	}
	return web.NewSite(web.SiteOptions{Bundle: bundle, Log: a.log, Now: a.opts.Now, Production: a.cfg.Server.Production, Language: a.cfg.Server.Language,
		Domain: a.hosts.domain, Services: services, User: signedIn, May: may, Roles: roles, SignIn: a.signIn, Way: a.way}), nil
}

// address is the public address of a service that this process runs; else empty.
func (a *App) address(service string) string {
	for _, s := range a.services {
		if s.def.Name == service {
			return a.hosts.publicURL(service)
		}
	}
	return ""
}

// way is where a link to a service leads: through the portal for who came through the
// emergency entrance, which opens one host at a time.
func (a *App) way(r *http.Request, service string) string {
	if p, ok := session.From(r.Context()); ok && p.BreakGlass() && a.address(service) != "" {
		return a.hosts.publicURL("") + session.PassPath(service)
	}
	if service == "portal" {
		service = ""
	}
	return a.hosts.publicURL(service) + "/"
}

// may says whether the principal has a role.
func may(r *http.Request, role string) bool { return session.Check(r.Context(), role) == nil }

// signedIn is the principal as the header shows him.
func signedIn(r *http.Request) (web.User, bool) {
	p, ok := session.From(r.Context())
	if !ok {
		return web.User{}, false
	}
	if p.Person() {
		return web.User{Name: p.Name, Person: true, SignOut: session.EndPath}, true
	}
	return web.User{Name: p.Name, Role: i18n.T(r.Context(), "app.role.administrator"), SignOut: "/admin/leave"}, true
}

// signIn tells a visitor where to sign in, or how to become an administrator where
// nobody can. Where the data is
// kept is not for visitors.
func (a *App) signIn(ctx context.Context) web.SignIn {
	if url := session.StartURL(ctx, "/"); url != "" {
		return web.SignIn{URL: url}
	}
	if !a.cfg.Admin.BreakGlass {
		return web.SignIn{Text: i18n.T(ctx, "app.signin.off")}
	}
	return web.SignIn{Text: i18n.T(ctx, "app.signin.text"), Command: "guildhall admin link"}
}
