package identity

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"guildhall/identity/internal/role"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

func (p *pages) confirmForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return p.showConfirm(w, r, v, nil, views.Confirm{ReturnTo: signin.OwnPath(r.URL.Query().Get("return_to"))})
}

func (p *pages) showConfirm(w http.ResponseWriter, r *http.Request, v *visitor, err error, page views.Confirm) error {
	factors, trouble := p.Factors.Has(r.Context(), v.Account.ID)
	if trouble != nil {
		return trouble
	}
	page.Email, page.HasPasskey, page.Factor = v.Account.Email, factors.Passkeys > 0, factors.Any()
	ctx := r.Context()
	body := views.ConfirmPage(page)
	if c, _ := p.asking(r, page.ReturnTo); c != nil {
		return p.showApart(w, r, v, err, web.Page{Title: i18n.T(ctx, "identity.confirm.title"), Lead: i18n.T(ctx, "identity.confirm.lead.for", "Name", c.Name),
			Narrow: true, Body: body})
	}
	if administers(page.ReturnTo) {
		return p.showConfirmAdmin(w, r, v, err, page)
	}
	page.Cancel = securityPage
	body = views.ConfirmPage(page)
	return p.showOwn(w, r, v, err, web.Page{Title: i18n.T(ctx, "identity.confirm.title"), Lead: i18n.T(ctx, "identity.confirm.lead"), Active: "/security", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "identity.nav.security", "/security")}, Body: body})
}

// administers says whether a page is one of the administration.
func administers(path string) bool { return path == "/admin" || strings.HasPrefix(path, "/admin/") }

// showConfirmAdmin is the page for whoever wants to go on to the administration, within
// its navigation for those who may look at it.
func (p *pages) showConfirmAdmin(w http.ResponseWriter, r *http.Request, v *visitor, err error, page views.Confirm) error {
	who, trouble := p.principal(r.Context(), v)
	if trouble != nil {
		return trouble
	}
	shell, section := p.shell, "/"
	if who.Has(role.Viewer) {
		path, _, _ := strings.Cut(page.ReturnTo, "?")
		parts := strings.Split(strings.Trim(path, "/"), "/")
		shell, section = p.admin, "/"+strings.Join(parts[:min(len(parts), 2)], "/")
	}
	page.Cancel = section
	ctx := r.Context()
	p.render(shell, w, r, err, web.Page{Title: i18n.T(ctx, "identity.confirm.title"), Lead: i18n.T(ctx, "identity.confirm.lead.admin"), Active: section,
		Narrow: true, User: v.user(), Body: views.ConfirmPage(page)})
	return nil
}

func (p *pages) confirm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	page := views.Confirm{Form: f, ReturnTo: signin.OwnPath(f.Value("return_to"))}
	factors, err := p.Factors.Has(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	password := f.Secret("password", form.Required)
	var code string
	if factors.Any() {
		code = f.Secret("code", form.Required)
	}
	if err := f.Err(); err != nil {
		return p.showConfirm(w, r, v, err, page)
	}
	err = p.Accounts.CheckPassword(r.Context(), v.Account.ID, password, v.by())
	if refused(f, "password", err) {
		return p.showConfirm(w, r, v, err, page)
	}
	if err != nil {
		return err
	}
	if !factors.Any() {
		return p.confirmed(w, r, v, session.Password, session.MethodPassword, page.ReturnTo)
	}
	// Else a password alone could take away what protects the account from
	// whoever knows the password.
	method, err := p.checkFactor(r.Context(), v, code)
	if refused(f, "code", err) {
		return p.showConfirm(w, r, v, err, page)
	}
	if err != nil {
		return err
	}
	return p.confirmed(w, r, v, session.Strong, method, page.ReturnTo)
}

var sixDigits = regexp.MustCompile(`^[0-9 ]{6,7}$`)

// checkFactor takes a code for what it looks like: the authenticator's six digits
// or a recovery code.
func (p *pages) checkFactor(ctx context.Context, v *visitor, code string) (method string, err error) {
	if sixDigits.MatchString(code) {
		return session.MethodTOTP, p.Factors.CheckTOTP(ctx, v.Account.ID, code, v.by())
	}
	return session.MethodRecovery, p.Factors.UseRecovery(ctx, v.Account.ID, code, v.by())
}

func (p *pages) confirmByPasskey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	to := signin.OwnPath(f.Value("return_to"))
	_, err = p.usePasskey(r.Context(), r, f, v.Account.ID)
	if refused(f, "answer", err) {
		return p.showConfirm(w, r, v, err, views.Confirm{Passkey: f, ReturnTo: to})
	}
	if err != nil {
		return err
	}
	dropCookie(w, passkeyCookie)
	return p.confirmed(w, r, v, session.Strong, session.MethodPasskey, to)
}

func (p *pages) confirmed(w http.ResponseWriter, r *http.Request, v *visitor, level session.Level, method, to string) error {
	if _, _, err := p.raise(w, r, v.Token, level, method); err != nil {
		return err
	}
	p.shell.Redirect(w, r, to)
	return nil
}
