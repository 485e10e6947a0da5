package identity

import (
	"net/http"

	"guildhall/identity/internal/account"
	views "guildhall/identity/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) accountPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return p.showAccount(w, r, v, nil, profile(r.Context(), v.Account))
}

func (p *pages) showAccount(w http.ResponseWriter, r *http.Request, v *visitor, err error, f *form.Form) error {
	return p.showProfile(w, r, v, err, views.Account{Account: v.Account, Form: f})
}

func (p *pages) showProfile(w http.ResponseWriter, r *http.Request, v *visitor, err error, of views.Account) error {
	ctx := r.Context()
	return p.showOwn(w, r, v, err, web.Page{Title: i18n.T(ctx, "identity.nav.account"), Lead: i18n.T(ctx, "identity.account.lead"), Active: "/", Body: views.AccountPage(of)})
}

func (p *pages) saveProfile(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	to := account.Profile{Name: f.Text("name", form.Required), Language: f.Text("language", form.Required), Theme: f.Text("theme", form.Required)}
	if err := f.Err(); err != nil {
		return p.showAccount(w, r, v, err, f)
	}
	err = p.Accounts.Update(r.Context(), v.Account.ID, to, v.by())
	if refused(f, "name", err) {
		return p.showAccount(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	ctx := p.Site.Prefer(w, r, to.Language, to.Theme)
	p.shell.Flash(w, r, ui.Good, i18n.T(ctx, "identity.account.saved"))
	p.shell.Redirect(w, r, "/")
	return nil
}

func (p *pages) deleteForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return p.showDelete(w, r, v, nil, nil)
}

func (p *pages) showDelete(w http.ResponseWriter, r *http.Request, v *visitor, err error, f *form.Form) error {
	ctx := r.Context()
	return p.showOwn(w, r, v, err, web.Page{Title: i18n.T(ctx, "identity.delete.title"), Lead: i18n.T(ctx, "identity.delete.lead"), Active: "/", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "identity.nav.account", "/")}, Body: views.DeletePage(f, v.Account.Email)})
}

func (p *pages) delete(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	if !f.Bool("sure") {
		f.Fail(errNotSure())
	}
	password := f.Secret("password", form.Required)
	if err := f.Err(); err != nil {
		return p.showDelete(w, r, v, err, f)
	}
	err = p.Accounts.Delete(r.Context(), v.Account.ID, password, v.by())
	if refused(f, "password", err) {
		return p.showDelete(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	dropCookie(w, sessionCookie)
	p.public.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.delete.done"))
	p.public.Redirect(w, r, "/sign-in")
	return nil
}

func errNotSure() fault.Field {
	return fault.Field{Name: "sure", Code: "identity_sure", Detail: "Tick this box to confirm."}
}
