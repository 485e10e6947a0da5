package identity

import (
	"crypto/rand"
	"net/http"

	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) security(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	factors, err := p.Factors.Has(ctx, v.Account.ID)
	if err != nil {
		return err
	}
	passkeys, err := p.Factors.List(ctx, v.Account.ID)
	if err != nil {
		return err
	}
	return p.showOwn(w, r, v, nil, web.Page{Title: i18n.T(ctx, "identity.nav.security"), Lead: i18n.T(ctx, "identity.security.lead"), Active: "/security",
		Body: views.SecurityPage(views.Security{Account: v.Account, Factors: factors, Passkeys: passkeys, Now: p.Now(), As: rand.Text()})})
}

// securityPage is a page under /security.
func (p *pages) securityPage(w http.ResponseWriter, r *http.Request, v *visitor, err error, page web.Page) error {
	page.Active, page.Narrow, page.Crumbs = "/security", true, []web.Crumb{crumb(r.Context(), "identity.nav.security", "/security")}
	return p.showOwn(w, r, v, err, page)
}

// secured tells what was done and shows /security.
func (p *pages) secured(w http.ResponseWriter, r *http.Request, text string) error {
	p.shell.Flash(w, r, ui.Good, text)
	p.shell.Redirect(w, r, "/security")
	return nil
}

func (p *pages) passwordForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f := form.New()
	if to := r.URL.Query().Get("return_to"); to != "" || v.Account.MustChange {
		f = form.New("return_to", signin.OwnPath(to))
	}
	return p.showPassword(w, r, v, nil, f)
}

func (p *pages) showPassword(w http.ResponseWriter, r *http.Request, v *visitor, err error, f *form.Form) error {
	ctx := r.Context()
	return p.securityPage(w, r, v, err, web.Page{Title: i18n.T(ctx, "identity.password.title"), Lead: i18n.T(ctx, "identity.password.lead"),
		Body: views.PasswordPage(f, v.Account.Email, v.Account.MustChange)})
}

func (p *pages) password(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	before, after := f.Secret("old", form.Required), f.Secret("new", form.Required)
	if err := f.Err(); err != nil {
		return p.showPassword(w, r, v, err, f)
	}
	err = p.Accounts.ChangePassword(r.Context(), v.Account.ID, before, after, v.Session.ID, v.by())
	if refused(f, "old", err) {
		return p.showPassword(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	done := i18n.T(r.Context(), "identity.password.done")
	switch to := f.Value("return_to"); {
	case to == "/":
		p.shell.Flash(w, r, ui.Good, done)
		fallthrough
	case to == signin.OwnPath(to):
		p.shell.Redirect(w, r, to)
		return nil
	}
	return p.secured(w, r, done)
}
