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

func (p *pages) totpForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return p.showTOTP(w, r, v, nil, nil)
}

func (p *pages) showTOTP(w http.ResponseWriter, r *http.Request, v *visitor, err error, f *form.Form) error {
	enrolment, trouble := p.Factors.BeginTOTP(r.Context(), owner(v))
	if errors.Is(trouble, factor.ErrTOTPExists) { // the button "back", or another window
		p.shell.Redirect(w, r, "/security")
		return nil
	}
	if trouble != nil {
		return trouble
	}
	return p.securityPage(w, r, v, err, web.Page{Title: i18n.T(r.Context(), "identity.totp.title"), Body: views.TOTPPage(enrolment, f)})
}

func (p *pages) totp(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	code := f.Secret("code", form.Required)
	if err := f.Err(); err != nil {
		return p.showTOTP(w, r, v, err, f)
	}
	err = p.Factors.ConfirmTOTP(r.Context(), owner(v), code, v.by())
	if refused(f, "code", err) {
		return p.showTOTP(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	if _, _, err := p.raise(w, r, v.Token, session.Strong, session.MethodTOTP); err != nil {
		return err
	}
	return p.secured(w, r, i18n.T(r.Context(), "identity.totp.done"))
}

func (p *pages) removeTOTP(w http.ResponseWriter, r *http.Request, v *visitor) error {
	err := p.Factors.RemoveTOTP(r.Context(), v.Account.ID, v.by())
	if err != nil && !errors.Is(err, factor.ErrNoTOTP) { // sent again: it is gone already
		return err
	}
	return p.secured(w, r, i18n.T(r.Context(), "identity.totp.removed"))
}
