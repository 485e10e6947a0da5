package ca

import (
	"context"
	"net/http"
	"time"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/crl"
	"guildhall/ca/internal/token"
	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	"guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

// pageOptions is what the pages stand on.
type pageOptions struct {
	Site         *web.Site
	Certificates *certificate.Service
	Tokens       *token.Desk
	Lists        *crl.Publisher
	Audit        *audit.Log
	// PublicURL is the https address of this host, InternalURL that of the
	// internal listener as other hosts reach it; both without final slash.
	PublicURL, InternalURL string
}

// pages are the HTML pages of the authority.
type pages struct {
	pageOptions
	// shell is the frame for administrators; public has no navigation, because
	// a visitor could open nothing in it.
	shell, public *web.Shell
}

func newPages(o pageOptions) *pages {
	return &pages{pageOptions: o, public: o.Site.Shell("ca", nil), shell: o.Site.Shell("ca", []web.NavItem{
		{Path: "/", Key: "ca.nav.home", Icon: "home"},
		{Path: "/certificates", Key: "ca.nav.certificates", Icon: "certificate"},
		{Path: "/verify", Key: "ca.nav.verify", Icon: "shield"},
		{Path: "/revocations", Key: "ca.nav.revocations", Icon: "ban"},
		{Path: "/tokens", Key: "ca.nav.tokens", Icon: "ticket", Role: adminRole},
		{Path: "/audit", Key: "ca.nav.audit", Icon: "log", Role: adminRole},
		{Path: "/trust", Key: "ca.nav.trust", Icon: "lock"},
		{Path: "/api", Key: "app.api.title", Icon: "code"},
	})}
}

// Shell is the frame of the pages, for the host's own error pages.
func (p *pages) Shell() *web.Shell { return p.shell }

// page is a handler whose error becomes an error page.
type page func(w http.ResponseWriter, r *http.Request) error

// Mount registers the pages.
func (p *pages) Mount(mux *http.ServeMux) {
	for pattern, h := range map[string]page{
		"GET /{$}":               p.home,
		"GET /certificates":      p.certificates,
		"GET /certificates/{id}": p.certificate,
		"GET /certificates/{id}/download/{format}": p.download,
		"GET /verify":                    p.verifyForm,
		"POST /verify":                   p.verify,
		"GET /revocations":               p.revocations,
		"GET /certificates/new":          p.issueForm,
		"POST /certificates/new":         p.issue,
		"POST /certificates/{id}/key":    p.downloadKey,
		"POST /certificates/{id}/pkcs12": p.bundle,
		"GET /certificates/{id}/renew":   p.renewForm,
		"POST /certificates/{id}/renew":  p.renew,
		"POST /certificates/{id}/revoke": p.revoke,
		"GET /tokens":                    p.tokens,
		"POST /tokens":                   p.createToken,
		"POST /tokens/{id}/withdraw":     p.withdrawToken,
		"GET /audit":                     p.auditLog,
		"POST /audit/verify":             p.verifyAudit,
		"GET /audit/export":              p.exportAudit,
	} {
		mux.Handle(pattern, session.Require(needs(pattern), p.public.Error)(p.answer(h)))
	}
	const bundle = "GET /certificates/{id}/pkcs12"
	stepUp := session.StepUp(recent(), p.now, p.public.Error)
	mux.Handle(bundle, session.Require(needs(bundle), p.public.Error)(stepUp(p.answer(p.bundleForm))))
	mux.Handle("GET /trust", p.answer(p.trust))
	mux.Handle("GET /trust/{file}", p.answer(p.trustFile))
}

func (p *pages) answer(h page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			p.shell.Error(w, r, err)
		}
	})
}

// show answers with a page that is right, or with one whose form is wrong.
func (p *pages) show(w http.ResponseWriter, r *http.Request, wrong bool, page web.Page) error {
	status := http.StatusOK
	if wrong {
		status = http.StatusUnprocessableEntity
	}
	p.shell.Render(w, r, status, page)
	return nil
}

// now is what the authority's clock says.
func (p *pages) now() time.Time { return p.Certificates.Guard.Time() }

// may says whether who asks has a role; what he may not do he is not shown.
func may(r *http.Request, role string) bool { return session.Check(r.Context(), role) == nil }

// shownRecently says whether who asks showed recently who he is. If not, he is sent to
// do it, and back to a page, on which he is told that nothing was done.
func (p *pages) shownRecently(w http.ResponseWriter, r *http.Request, back string) bool {
	if recent().Check(r.Context(), p.now()) == nil {
		return true
	}
	p.shell.Flash(w, r, ui.Warn, i18n.T(r.Context(), "ca.recent.nothing"))
	p.shell.Redirect(w, r, recent().URL(back))
	return false
}

// by is who asks, for the audit log.
func by(r *http.Request) audit.Caller { return session.Caller(r.Context(), r.RemoteAddr) }

// secret keeps a page that holds one out of every cache.
func secret(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// crumb is the way back to a page of the navigation.
func crumb(ctx context.Context, key, path string) web.Crumb {
	return web.Crumb{Label: i18n.T(ctx, key), URL: path}
}
