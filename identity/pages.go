package identity

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/avatar"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/device"
	"guildhall/identity/internal/directory"
	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/logout"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/signing"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// pageOptions is what the pages stand on.
type pageOptions struct {
	Site     *web.Site
	Accounts *account.Service
	Sessions *session.Desk
	Factors  *factor.Desk
	Now      func() time.Time
	Log      *slog.Logger
	// Pictures makes the pictures of accounts out of what is uploaded.
	Pictures *avatar.Maker
	// Clients, Grants, Authorize, Devices and Logout are the provider's.
	Clients   *client.Desk
	Grants    *grant.Desk
	Authorize *authorize.Service
	Devices   *device.Desk
	// Begins counts the requests of applications, by address, while nobody is signed in.
	Begins *beginnings
	// Keys sign tokens; administrators rotate them.
	Keys *signing.Desk
	// Groups and Roles are for administrators; RoleList are the roles of all services.
	Groups   *group.Desk
	Roles    *role.Desk
	RoleList []app.Role
	// Directory is where people come from by themselves. Production refuses what is
	// for development.
	Directory  *directory.Service
	Production bool
	Logout     *logout.Desk
	// Forms counts those that show a secret.
	Forms *forms
	// Letters are those that failed.
	Letters *letters
	// Audit is the log that administrators look at.
	Audit *audit.Log
	// Fresh is for how long a sign-in is enough to change what protects the
	// account.
	Fresh time.Duration
	// Open says that people can register themselves.
	Open bool
	// JSON answers who registers by JSON; nil: nobody can.
	JSON http.Handler
}

// pages are the HTML pages of identity.
type pages struct {
	pageOptions
	// shell is the frame for those who are signed in, staff for those of them who may
	// administer, admin that of the pages for it; public has no navigation.
	shell, staff, admin, public *web.Shell
}

func newPages(o pageOptions) *pages {
	own := []web.NavItem{
		{Path: "/", Key: "identity.nav.account", Icon: "user"},
		{Path: "/security", Key: "identity.nav.security", Icon: "shield"},
		{Path: "/sessions", Key: "identity.nav.sessions", Icon: "device"},
		{Path: "/applications", Key: "identity.nav.applications", Icon: "link"},
	}
	p := &pages{pageOptions: o, public: o.Site.Shell(Name, nil), shell: o.Site.Shell(Name, own), admin: o.Site.Shell(Name, adminNav()),
		staff: o.Site.Shell(Name, append(own, web.NavItem{Path: administration, Key: "identity.nav.admin", Icon: "settings"}))}
	p.public = p.public.Framed(p.frame)
	return p
}

// Shell is the frame of the host's own error pages.
func (p *pages) Shell() *web.Shell { return p.public }

// page is a handler whose error becomes an error page.
type page func(w http.ResponseWriter, r *http.Request) error

// own is a handler for somebody who is signed in.
type own func(w http.ResponseWriter, r *http.Request, v *visitor) error

// Mount registers the pages.
func (p *pages) Mount(mux *http.ServeMux) {
	for pattern, h := range p.open() {
		mux.Handle(pattern, p.passing(pattern, h))
	}
	for pattern, h := range p.personal() {
		mux.Handle(pattern, p.passing(pattern, p.signedIn(h)))
	}
	p.mountAdmin(mux)
}

// open names the pages for everybody.
func (p *pages) open() map[string]page {
	return map[string]page{
		"GET /sign-in":                p.signInForm,
		"POST /sign-in":               p.signIn,
		"POST /sign-in/passkey":       p.signInByPasskey,
		"GET /sign-in/second-factor":  p.secondForm,
		"POST /sign-in/second-factor": p.second,
		"POST /sign-out":              p.signOut,
		"POST /session/end":           p.signOut,
		"POST /passkey/begin":         p.beginPasskey,
		"GET /passkey.js":             p.passkeyScript,
		"GET /register":               p.registerForm,
		"POST /register":              p.orJSON(p.register),
		"GET /register/code":          p.registerCodeForm,
		"POST /register/code":         p.orJSON(p.registerCode),
		"POST /register/resend":       p.registerAgain,
		"GET /reset":                  p.resetForm,
		"POST /reset":                 p.reset,
		"GET /reset/code":             p.resetCodeForm,
		"POST /reset/code":            p.resetCode,
		"POST /reset/resend":          p.resetAgain,
		"GET /welcome":                p.welcomeForm,
		"POST /welcome":               p.welcome,
		"GET /oauth2/authorize":       p.authorize,
		"POST /oauth2/authorize":      p.authorize,
		"GET /oauth2/authorize/{id}":  p.authorizeStep,
		"POST /oauth2/authorize/{id}": p.decide,
		"GET /oauth2/logout":          p.logout,
		"POST /oauth2/logout":         p.logoutByForm,
		"POST /oauth2/logout/confirm": p.confirmLogout,
		"GET /send.js":                p.sendScript,
		"GET /pictures/{name}":        p.picture,
	}
}

// personal names the pages for whoever is signed in.
func (p *pages) personal() map[string]own {
	return map[string]own{
		"GET /{$}":                            p.accountPage,
		"POST /{$}":                           p.saveProfile,
		"GET /picture":                        p.accountPage,
		"POST /picture":                       p.savePicture,
		"POST /picture/remove":                p.removePicture,
		"GET /email":                          p.emailForm,
		"POST /email":                         p.email,
		"GET /email/code":                     p.emailCodeForm,
		"POST /email/code":                    p.emailCode,
		"POST /email/resend":                  p.emailAgain,
		"GET /delete":                         p.deleteForm,
		"POST /delete":                        p.delete,
		"GET /confirm":                        p.confirmForm,
		"POST /confirm":                       p.confirm,
		"POST /confirm/passkey":               p.confirmByPasskey,
		"GET /security":                       p.security,
		"GET /security/password":              p.passwordForm,
		"POST /security/password":             p.password,
		"GET /security/authenticator":         p.fresh(p.totpForm),
		"POST /security/authenticator":        p.fresh(p.totp),
		"POST /security/authenticator/remove": p.fresh(p.removeTOTP),
		"POST /security/recovery":             p.fresh(p.makeRecovery),
		"GET /security/passkeys/new":          p.fresh(p.newPasskey),
		"POST /security/passkeys":             p.fresh(p.addPasskey),
		"GET /security/passkeys/{id}":         p.passkeyForm,
		"POST /security/passkeys/{id}":        p.renamePasskey,
		"POST /security/passkeys/{id}/remove": p.fresh(p.removePasskey),
		"GET /sessions":                       p.sessionList,
		"POST /sessions/{id}/end":             p.endSession,
		"POST /sessions/end-others":           p.endOthers,
		"GET /applications":                   p.applications,
		"POST /applications/{id}/withdraw":    p.withdraw,
		"GET /device":                         p.deviceForm,
		"POST /device":                        p.device,
		"GET /device/confirm":                 p.confirmDevice,
		"POST /device/confirm":                p.decideDevice,
	}
}

// passing answers by a page. Those that may lie between an application and its answer
// let a pop-up stay in touch with the application.
func (p *pages) passing(pattern string, h page) http.Handler {
	_, path, _ := strings.Cut(pattern, " ")
	for _, way := range []string{"/oauth2/", "/sign-in", "/register", "/confirm", passwordPage} {
		if strings.HasPrefix(path, way) {
			return web.KeepOpener(p.answer(h))
		}
	}
	return p.answer(h)
}

func (p *pages) answer(h page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Whatever is here is somebody's own: the button "back" shows nothing of it
		// after signing out.
		w.Header().Set("Cache-Control", "no-store")
		if err := h(w, r); err != nil {
			p.public.Error(w, r, err)
		}
	})
}

// show answers a visitor who is not signed in; err, if any, is what the form of
// the page was refused for.
func (p *pages) show(w http.ResponseWriter, r *http.Request, err error, page web.Page) error {
	p.render(p.public, w, r, err, page)
	return nil
}

// showOwn answers somebody who is signed in.
func (p *pages) showOwn(w http.ResponseWriter, r *http.Request, v *visitor, err error, page web.Page) error {
	page.User = v.user()
	who, trouble := p.principal(r.Context(), v)
	if trouble != nil {
		return trouble
	}
	shell := p.shell
	if who.Has(role.Viewer) {
		shell = p.staff
	}
	p.render(shell, w, r, err, page)
	return nil
}

func (p *pages) render(shell *web.Shell, w http.ResponseWriter, r *http.Request, err error, page web.Page) {
	status := http.StatusOK
	if err != nil {
		// A wrong form is shown with its errors, which get the focus.
		status = http.StatusUnprocessableEntity
		fault.SetRetryAfter(w.Header(), err)
	}
	shell.Render(w, r, status, page)
}

// refused puts what err says beside a field of the form: its own fields, or the
// one called field when it has none. False for an err that the reader can do
// nothing about, and for none.
func refused(f *form.Form, field string, err error) bool {
	if err == nil {
		return false
	}
	e := fault.As(err)
	if e.Kind == fault.Internal {
		return false
	}
	if !f.Take(err) {
		f.Fail(fault.Field{Name: field, Code: e.Code, Detail: e.Detail, Args: e.Args})
	}
	return true
}

// from is the address that a request came from.
func from(r *http.Request) string {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return address
}

// stranger is who asks without being signed in, for the audit log.
func stranger(r *http.Request) audit.Caller { return audit.Caller{From: from(r)} }

// crumb is the way back to a page of the navigation.
func crumb(ctx context.Context, key, path string) web.Crumb {
	return web.Crumb{Label: i18n.T(ctx, key), URL: path}
}
