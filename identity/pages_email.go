package identity

import (
	"net/http"

	"guildhall/identity/internal/code"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) emailForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return p.showEmail(w, r, v, nil, nil)
}

func (p *pages) showEmail(w http.ResponseWriter, r *http.Request, v *visitor, err error, f *form.Form) error {
	ctx := r.Context()
	return p.showOwn(w, r, v, err, web.Page{Title: i18n.T(ctx, "identity.email.title"), Lead: i18n.T(ctx, "identity.email.lead", "Email", v.Account.Email), Active: "/",
		Narrow: true, Crumbs: []web.Crumb{crumb(ctx, "identity.nav.account", "/")}, Body: views.EmailPage(f, v.Account.Email)})
}

func (p *pages) email(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	email, password := f.Text("email", form.Required), f.Secret("password", form.Required)
	if err := f.Err(); err != nil {
		return p.showEmail(w, r, v, err, f)
	}
	id, err := p.Accounts.RequestEmail(r.Context(), v.Account.ID, password, email, v.by())
	if refused(f, "email", err) {
		return p.showEmail(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	keepChallenge(w, code.Email, challenge{ID: id, Email: email})
	p.shell.Redirect(w, r, "/email/code")
	return nil
}

func (p *pages) emailCodeForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	c, ok := challengeOf(r, code.Email)
	if !ok {
		return p.lost(w, r, "/email")
	}
	return p.showEmailCode(w, r, v, c, nil, views.Code{})
}

func (p *pages) showEmailCode(w http.ResponseWriter, r *http.Request, v *visitor, c challenge, err error, page views.Code) error {
	ctx := r.Context()
	page.Email, page.Action, page.Resend, page.Restart = c.Email, "/email/code", "/email/resend", "/email"
	page.Submit = i18n.T(ctx, "identity.code.submit")
	return p.showOwn(w, r, v, err, web.Page{Title: i18n.T(ctx, "identity.code.title"), Lead: i18n.T(ctx, "identity.code.sent", "Email", c.Email), Active: "/", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "identity.nav.account", "/")}, Body: views.CodePage(page)})
}

func (p *pages) emailCode(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	c, ok := challengeOf(r, code.Email)
	if !ok {
		return p.lost(w, r, "/email")
	}
	text := f.Text("code", form.Required)
	if err := f.Err(); err != nil {
		return p.showEmailCode(w, r, v, c, err, views.Code{Form: f})
	}
	err = p.Accounts.ConfirmEmail(r.Context(), v.Account.ID, c.ID, text, v.by())
	if refused(f, "code", err) {
		return p.showEmailCode(w, r, v, c, err, views.Code{Form: f})
	}
	if err != nil {
		return err
	}
	dropCookie(w, challengeCookie(code.Email))
	p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.email.done"))
	p.shell.Redirect(w, r, "/")
	return nil
}

func (p *pages) emailAgain(w http.ResponseWriter, r *http.Request, v *visitor) error {
	c, ok := challengeOf(r, code.Email)
	if !ok {
		return p.lost(w, r, "/email")
	}
	return p.resend(w, r, c, v.by(), "/email/code", func(f *form.Form, err error) error {
		return p.showEmailCode(w, r, v, c, err, views.Code{Again: f})
	})
}
