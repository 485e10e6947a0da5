package license

import (
	"context"
	"net/http"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// pageOptions is what the pages stand on.
type pageOptions struct {
	Site    *web.Site
	Service *service
}

// pages are the HTML pages of license.
type pages struct {
	pageOptions
	// shell is the frame for those who administer; public has no navigation, because a
	// visitor could open nothing in it; own is that of customers.
	shell, public, own *web.Shell
}

func newPages(o pageOptions) *pages {
	return &pages{pageOptions: o, public: o.Site.Shell(Name, nil), shell: o.Site.Shell(Name, nav()),
		own: o.Site.Shell(Name, []web.NavItem{{Path: "/mine", Key: "license.nav.mine", Icon: "key"},
			{Path: "/mine/licences", Key: "license.nav.offline", Icon: "file"}})}
}

// Shell is the frame of the pages, for the host's own error pages.
func (p *pages) Shell() *web.Shell { return p.shell }

// page is a handler whose error becomes an error page.
type page func(w http.ResponseWriter, r *http.Request) error

// Mount registers the pages.
func (p *pages) Mount(mux *http.ServeMux) {
	for role, all := range p.byRole() {
		for pattern, h := range all {
			mux.Handle(pattern, session.Require(role, p.refuse)(p.answerIn(p.shell, h)))
		}
	}
	p.mountMine(mux)
}

// byRole is all pages by the least role that may open them.
func (p *pages) byRole() map[string]map[string]page {
	looks, support, admin := map[string]page{}, map[string]page{}, map[string]page{}
	looks["GET /{$}"] = p.home
	p.productPages(looks, admin)
	p.functionPages(looks, admin)
	p.filePages(looks, admin)
	p.policyPages(looks, admin)
	p.batchPages(looks, admin)
	p.cardPages(looks, support)
	p.bulkPages(support)
	p.customerPages(looks, support)
	p.machinePages(looks)
	p.transportPages(looks, admin)
	p.accountPages(admin)
	p.signingPages(looks, admin)
	p.offlinePages(looks, support, admin)
	p.alarmPages(looks, support)
	p.auditPages(admin)
	return map[string]map[string]page{viewerRole: looks, supportRole: support, adminRole: admin}
}

// answerIn shows the errors of a handler in a frame.
func (p *pages) answerIn(shell *web.Shell, h page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			shell.Error(w, r, err)
		}
	})
}

// show answers with a page that is right, or with one whose form is wrong.
func (p *pages) show(w http.ResponseWriter, r *http.Request, f *form.Form, page web.Page) error {
	status := http.StatusOK
	if len(f.Problems()) > 0 { // there may be no form
		status = http.StatusUnprocessableEntity
	}
	p.shell.Render(w, r, status, page)
	return nil
}

// did tells what was done, or what it was refused for, on the page that follows.
func (p *pages) did(w http.ResponseWriter, r *http.Request, err error, done, to string) error {
	switch e := fault.As(err); {
	case err == nil:
		p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), done))
	case e.Kind == fault.Internal || e.Kind == fault.Unavailable:
		return err
	case len(e.Fields) > 0:
		p.shell.Flash(w, r, ui.Bad, ui.Problem(r.Context(), ownField(e.Fields[0])))
	default:
		p.shell.Flash(w, r, ui.Bad, web.FaultText(r.Context(), err))
	}
	p.shell.Redirect(w, r, to)
	return nil
}

// shownRecently says whether who asks showed recently who he is. If not, he is sent to
// do it, and back to a page, on which he is told that nothing was done.
func (p *pages) shownRecently(w http.ResponseWriter, r *http.Request, back string) bool {
	if recent().Check(r.Context(), p.now()) == nil {
		return true
	}
	p.shell.Flash(w, r, ui.Warn, i18n.T(r.Context(), "license.recent.nothing"))
	p.shell.Redirect(w, r, recent().URL(back))
	return false
}

func (p *pages) now() time.Time { return p.Service.now() }

// may says whether who asks has a role; what he may not do he is not shown.
func may(r *http.Request, role string) bool { return session.Check(r.Context(), role) == nil }

// caller is who asks, for the audit log.
func caller(r *http.Request) audit.Caller { return session.Caller(r.Context(), r.RemoteAddr) }

// crumb is the way back to a page of the navigation.
func crumb(ctx context.Context, key, path string) web.Crumb {
	return web.Crumb{Label: i18n.T(ctx, key), URL: path}
}
