package identity

import (
	"net/http"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/code"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) registerForm(w http.ResponseWriter, r *http.Request) error {
	return p.showRegister(w, r, nil, views.Register{ReturnTo: signin.OwnPath(r.URL.Query().Get("return_to"))})
}

func (p *pages) showRegister(w http.ResponseWriter, r *http.Request, err error, v views.Register) error {
	ctx := r.Context()
	page := web.Page{Title: i18n.T(ctx, "identity.register.title"), Narrow: true}
	if !p.Open {
		page.Body = views.ClosedPage()
		return p.show(w, r, nil, page)
	}
	page.Lead, page.Body = i18n.T(ctx, "identity.register.lead"), views.RegisterPage(v)
	return p.show(w, r, err, page)
}

func (p *pages) register(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	ask := account.RegisterRequest{Name: f.Text("name", form.Required), Email: f.Text("email", form.Required),
		Password: f.Secret("password", form.Required), Language: i18n.Lang(ctx), By: stranger(r)}
	v := views.Register{Form: f, ReturnTo: signin.OwnPath(f.Value("return_to"))}
	if err := f.Err(); err != nil {
		return p.showRegister(w, r, err, v)
	}
	id, err := p.Accounts.Register(ctx, ask)
	if refused(f, "email", err) {
		return p.showRegister(w, r, err, v)
	}
	if err != nil {
		return err
	}
	keepChallenge(w, code.Register, challenge{ID: id, Email: ask.Email, ReturnTo: v.ReturnTo})
	p.public.Redirect(w, r, "/register/code")
	return nil
}

func (p *pages) registerCodeForm(w http.ResponseWriter, r *http.Request) error {
	c, ok := challengeOf(r, code.Register)
	if !ok {
		return p.lost(w, r, "/register")
	}
	return p.showRegisterCode(w, r, c, nil, views.Code{})
}

func (p *pages) showRegisterCode(w http.ResponseWriter, r *http.Request, c challenge, err error, v views.Code) error {
	ctx := r.Context()
	v.Email, v.Action, v.Resend, v.Restart = c.Email, "/register/code", "/register/resend", "/register"
	v.Submit = i18n.T(ctx, "identity.code.submit")
	return p.show(w, r, err, web.Page{Title: i18n.T(ctx, "identity.code.title"), Lead: i18n.T(ctx, "identity.code.sent", "Email", c.Email), Narrow: true,
		Body: views.CodePage(v)})
}

func (p *pages) registerCode(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	c, ok := challengeOf(r, code.Register)
	if !ok {
		return p.lost(w, r, "/register")
	}
	text := f.Text("code", form.Required)
	if err := f.Err(); err != nil {
		return p.showRegisterCode(w, r, c, err, views.Code{Form: f})
	}
	a, err := p.Accounts.Activate(r.Context(), c.ID, text, stranger(r))
	if refused(f, "code", err) {
		return p.showRegisterCode(w, r, c, err, views.Code{Form: f})
	}
	if err != nil {
		return err
	}
	dropCookie(w, challengeCookie(code.Register))
	p.public.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.register.done"))
	// Whoever has both the challenge and the code chose the password a moment ago.
	return p.enter(w, r, session.Start{Account: a.ID, Level: session.Password, Methods: []string{session.MethodPassword, session.MethodCode},
		PasswordSetAt: a.PasswordSetAt}, c.ReturnTo)
}

func (p *pages) registerAgain(w http.ResponseWriter, r *http.Request) error {
	c, ok := challengeOf(r, code.Register)
	if !ok {
		return p.lost(w, r, "/register")
	}
	return p.resend(w, r, c, stranger(r), "/register/code", func(f *form.Form, err error) error {
		return p.showRegisterCode(w, r, c, err, views.Code{Again: f})
	})
}
