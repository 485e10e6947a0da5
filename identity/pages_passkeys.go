package identity

import (
	"errors"
	"net/http"

	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

func (p *pages) newPasskey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return p.showNewPasskey(w, r, v, nil, form.New("name", views.Device(r.Context(), r.UserAgent())))
}

func (p *pages) showNewPasskey(w http.ResponseWriter, r *http.Request, v *visitor, err error, f *form.Form) error {
	ctx := r.Context()
	return p.securityPage(w, r, v, err, web.Page{Title: i18n.T(ctx, "identity.passkeys.new"), Lead: i18n.T(ctx, "identity.passkeys.new.lead"), Body: views.NewPasskeyPage(f)})
}

func (p *pages) addPasskey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	name, answer := f.Text("name", form.Required, form.Max(factor.MaxNameLen)), f.Secret("answer")
	if answer == "" {
		refused(f, "answer", errNoPasskey)
	}
	if err := f.Err(); err != nil {
		return p.showNewPasskey(w, r, v, err, f)
	}
	_, err = p.Factors.FinishPasskey(r.Context(), owner(v), cookie(r, passkeyCookie), name, []byte(answer), v.by())
	if refused(f, "answer", err) {
		return p.showNewPasskey(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	dropCookie(w, passkeyCookie)
	if _, _, err := p.raise(w, r, v.Token, session.Strong, session.MethodPasskey); err != nil {
		return err
	}
	return p.secured(w, r, i18n.T(r.Context(), "identity.passkeys.added"))
}

func (p *pages) passkeyForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	list, err := p.Factors.List(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.ID == r.PathValue("id") {
			return p.showPasskey(w, r, v, nil, form.New("name", k.Name))
		}
	}
	return factor.ErrNoPasskey
}

func (p *pages) showPasskey(w http.ResponseWriter, r *http.Request, v *visitor, err error, f *form.Form) error {
	return p.securityPage(w, r, v, err, web.Page{Title: i18n.T(r.Context(), "identity.passkeys.rename.title"), Body: views.PasskeyPage(r.PathValue("id"), f)})
}

func (p *pages) renamePasskey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	name := f.Text("name", form.Required, form.Max(factor.MaxNameLen))
	if err := f.Err(); err != nil {
		return p.showPasskey(w, r, v, err, f)
	}
	err = p.Factors.Rename(r.Context(), v.Account.ID, r.PathValue("id"), name, v.by())
	if f.Take(err) {
		return p.showPasskey(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	return p.secured(w, r, i18n.T(r.Context(), "identity.passkeys.renamed"))
}

func (p *pages) removePasskey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	err := p.Factors.Remove(r.Context(), v.Account.ID, r.PathValue("id"), v.by())
	if err != nil && !errors.Is(err, factor.ErrNoPasskey) { // sent again: it is gone already
		return err
	}
	return p.secured(w, r, i18n.T(r.Context(), "identity.passkeys.removed"))
}
