package identity

import (
	"errors"
	"net/http"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// welcomeForm is where a letter's link leads: it sets a first password. Looking at
// the page spends nothing.
func (p *pages) welcomeForm(w http.ResponseWriter, r *http.Request) error {
	link := r.URL.Query().Get("link")
	invited, err := p.Accounts.Invited(r.Context(), link)
	if err != nil {
		return err
	}
	return p.showWelcome(w, r, nil, form.New("link", link), invited.Email)
}

func (p *pages) showWelcome(w http.ResponseWriter, r *http.Request, err error, f *form.Form, email string) error {
	ctx := r.Context()
	return p.show(w, r, err, web.Page{Title: i18n.T(ctx, "identity.welcome.title"), Lead: i18n.T(ctx, "identity.welcome.lead", "Email", email), Narrow: true, Body: views.WelcomePage(f, email, p.other(r, email))})
}

// other is the address of who is signed in, if that is somebody else than the one at
// email.
func (p *pages) other(r *http.Request, email string) string {
	v, err := p.visitor(r)
	if err != nil || v.Account.Email == email {
		return ""
	}
	return v.Account.Email
}

func (p *pages) welcome(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	link, password := f.Value("link"), f.Secret("password", form.Required)
	invited, err := p.Accounts.Invited(r.Context(), link)
	if err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return p.showWelcome(w, r, err, f, invited.Email)
	}
	a, err := p.Accounts.Welcome(r.Context(), link, password, stranger(r))
	if errors.Is(err, account.ErrLink) {
		return err
	}
	if refused(f, "password", err) {
		return p.showWelcome(w, r, err, f, invited.Email)
	}
	if err != nil {
		return err
	}
	// The pages go on in the language in which the password was chosen.
	if err := p.Accounts.Prefer(r.Context(), a.ID, i18n.Lang(r.Context()), stranger(r).As(a.ID)); err != nil {
		return err
	}
	return p.arrive(w, r, a)
}

// arrive signs in who has just chosen the first password by the link of a letter. An
// account that has a second factor all the same is asked for it.
func (p *pages) arrive(w http.ResponseWriter, r *http.Request, a *account.Account) error {
	factors, err := p.Factors.Has(r.Context(), a.ID)
	if err != nil {
		return err
	}
	if factors.Any() {
		p.public.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.welcome.sign_in"))
		p.public.Redirect(w, r, "/sign-in")
		return nil
	}
	p.public.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.register.done"))
	return p.enter(w, r, session.Start{Account: a.ID, Level: session.Password, Methods: []string{session.MethodPassword, session.MethodCode},
		PasswordSetAt: a.PasswordSetAt}, "/")
}
