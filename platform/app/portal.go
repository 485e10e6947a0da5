package app

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"

	"github.com/a-h/templ"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

var errNoRoot = fault.New(fault.Unavailable, "no_root", "The root certificate is not known yet. Try again in a moment.")

// portalView is what the page at the bare domain shows.
type portalView struct {
	Services []portalService
	// Root is nil until the process knows its authority.
	Root *portalRoot
	// Alone is true for administrators while the server for shared state is away.
	Alone bool
}

type portalService struct {
	Name, URL string
	// Problem is empty when the service works. Its text is for administrators.
	Problem string
}

type portalRoot struct{ Fingerprint, Subject, TrustURL string }

// portal is the handler of the bare domain.
func (a *App) portal() http.Handler {
	public := a.site.Shell("portal", nil)
	shell := a.site.Shell("portal", a.administratorNav())
	mux := http.NewServeMux()
	a.jobPages(shell, mux)
	a.mailboxPages(shell, mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		a.portalFrame(r).Render(w, r, http.StatusOK, web.Page{Title: i18n.T(r.Context(), "app.portal.title"), Active: "/",
			Lead: i18n.T(r.Context(), "app.portal.lead", "Domain", a.hosts.domain), Actions: a.accountLink(r), Body: portalBody(a.portalView(r))})
	})
	mux.HandleFunc("GET /root.pem", func(w http.ResponseWriter, r *http.Request) {
		root := a.rootCertificate()
		if root == nil {
			shell.Error(w, r, errNoRoot)
			return
		}
		w.Header().Set("Content-Type", "application/x-pem-file")
		w.Header().Set("Content-Disposition", `attachment; filename="guildhall-root.pem"`)
		_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}) // the client is gone if this fails
	})
	a.door.Mount(mux)
	return a.measure("portal", a.site.Wrap(a.door.Identify(a.limits.around(shell.Handler(mux), public.Error))))
}

// accountLink leads visitors to their account, which signs them in first. The portal
// itself does not know people: it has no session of theirs.
func (a *App) accountLink(r *http.Request) []templ.Component {
	if _, known := session.From(r.Context()); known || !a.identity {
		return nil
	}
	return []templ.Component{ui.Button{Label: i18n.T(r.Context(), "app.portal.account"), Icon: "user", URL: a.hosts.publicURL(session.IdentityService) + "/"}}
}

// administratorNav leads to what administrators see on the portal.
func (a *App) administratorNav() []web.NavItem {
	nav := []web.NavItem{{Path: "/", Key: "app.nav.services", Icon: "home"}, {Path: "/jobs", Key: "app.nav.jobs", Icon: "clock"}}
	if a.mailbox != nil {
		nav = append(nav, web.NavItem{Path: "/mailbox", Key: "app.nav.mailbox", Icon: "mail"})
	}
	return nav
}

// portalFrame is the frame of a portal page, with the pages that this visitor may
// open.
func (a *App) portalFrame(r *http.Request) *web.Shell {
	switch {
	case session.Check(r.Context(), session.Everything) == nil:
		return a.site.Shell("portal", a.administratorNav())
	case a.seesMailbox(r):
		return a.site.Shell("portal", []web.NavItem{{Path: "/", Key: "app.nav.services", Icon: "home"}, {Path: "/mailbox", Key: "app.nav.mailbox", Icon: "mail"}})
	}
	return a.site.Shell("portal", nil)
}

func (a *App) portalView(r *http.Request) portalView {
	got := a.health.check(r.Context(), inPublic)
	v := portalView{Alone: got.Alone() && session.Check(r.Context(), session.Everything) == nil}
	for _, s := range a.services {
		p := portalService{Name: s.def.Name, URL: a.way(r, s.def.Name)}
		if reason := got.Services[s.def.Name]; reason != "ok" {
			p.Problem = reason
		}
		v.Services = append(v.Services, p)
	}
	if root := a.rootCertificate(); root != nil {
		v.Root = &portalRoot{Fingerprint: fingerprint(root.Raw), Subject: root.Subject.CommonName, TrustURL: a.hosts.publicURL("ca") + "/trust"}
	}
	return v
}

// rootCertificate is the first root of the process's authority, nil before it
// is known.
func (a *App) rootCertificate() *x509.Certificate {
	authority := a.node.Authority()
	if authority == nil {
		return nil
	}
	roots, err := authority.Roots()
	if err != nil || len(roots) == 0 {
		return nil
	}
	return roots[0]
}
