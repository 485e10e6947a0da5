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

func (p *pages) resetForm(w http.ResponseWriter, r *http.Request) error {
	return p.showReset(w, r, nil, nil)
}

func (p *pages) showReset(w http.ResponseWriter, r *http.Request, err error, f *form.Form) error {
	ctx := r.Context()
	return p.show(w, r, err, web.Page{Title: i18n.T(ctx, "identity.reset.title"), Lead: i18n.T(ctx, "identity.reset.lead"), Narrow: true, Body: views.ResetPage(f)})
}

func (p *pages) reset(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	email := f.Text("email", form.Required)
	if err := f.Err(); err != nil {
		return p.showReset(w, r, err, f)
	}
	id, err := p.Accounts.RequestReset(r.Context(), email, i18n.Lang(r.Context()), stranger(r))
	if refused(f, "email", err) {
		return p.showReset(w, r, err, f)
	}
	if err != nil {
		return err
	}
	keepChallenge(w, code.Reset, challenge{ID: id, Email: email})
	p.public.Redirect(w, r, "/reset/code")
	return nil
}

func (p *pages) resetCodeForm(w http.ResponseWriter, r *http.Request) error {
	c, ok := challengeOf(r, code.Reset)
	if !ok {
		return p.lost(w, r, "/reset")
	}
	return p.showResetCode(w, r, c, nil, views.Code{})
}

func (p *pages) showResetCode(w http.ResponseWriter, r *http.Request, c challenge, err error, v views.Code) error {
	ctx := r.Context()
	v.Email, v.Action, v.Resend, v.Restart, v.NewPassword = c.Email, "/reset/code", "/reset/resend", "/reset", true
	v.Submit = i18n.T(ctx, "identity.reset.code.submit")
	return p.show(w, r, err, web.Page{Title: i18n.T(ctx, "identity.reset.code.title"), Lead: i18n.T(ctx, "identity.reset.code.lead", "Email", c.Email), Narrow: true,
		Body: views.CodePage(v)})
}

func (p *pages) resetCode(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	c, ok := challengeOf(r, code.Reset)
	if !ok {
		return p.lost(w, r, "/reset")
	}
	text, password := f.Text("code", form.Required), f.Secret("password", form.Required)
	if err := f.Err(); err != nil {
		return p.showResetCode(w, r, c, err, views.Code{Form: f})
	}
	_, err = p.Accounts.Reset(r.Context(), c.ID, text, password, stranger(r))
	if refused(f, "code", err) {
		return p.showResetCode(w, r, c, err, views.Code{Form: f})
	}
	if err != nil {
		return err
	}
	dropCookie(w, challengeCookie(code.Reset))
	dropCookie(w, sessionCookie)
	p.public.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.reset.done"))
	p.public.Redirect(w, r, "/sign-in")
	return nil
}

func (p *pages) resetAgain(w http.ResponseWriter, r *http.Request) error {
	c, ok := challengeOf(r, code.Reset)
	if !ok {
		return p.lost(w, r, "/reset")
	}
	return p.resend(w, r, c, stranger(r), "/reset/code", func(f *form.Form, err error) error {
		return p.showResetCode(w, r, c, err, views.Code{Again: f})
	})
}
