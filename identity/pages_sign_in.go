package identity

import (
	"net/http"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) signInForm(w http.ResponseWriter, r *http.Request) error {
	to := signin.OwnPath(r.URL.Query().Get("return_to"))
	another := r.URL.Query().Get("switch") != ""
	if _, err := p.visitor(r); err == nil && !another {
		p.public.Redirect(w, r, to)
		return nil
	}
	v := views.SignIn{ReturnTo: to, Wanted: to != "/"}
	if c, asked := p.asking(r, to); c != nil {
		v.For, v.Form = views.ApplicationName(r.Context(), c), form.New("email", asked.LoginHint)
		v.Switch = another && asked.Subject != ""
	}
	return p.showSignIn(w, r, nil, v)
}

func (p *pages) showSignIn(w http.ResponseWriter, r *http.Request, err error, v views.SignIn) error {
	v.Open = p.Open
	return p.show(w, r, err, web.Page{Title: i18n.T(r.Context(), "identity.signin.title"), Narrow: true, Body: views.SignInPage(v)})
}

func (p *pages) signIn(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	v := views.SignIn{Form: f, ReturnTo: signin.OwnPath(f.Value("return_to"))}
	ask := account.SignInRequest{Email: f.Text("email", form.Required), Password: f.Secret("password", form.Required), By: stranger(r)}
	if err := f.Err(); err != nil {
		return p.showSignIn(w, r, err, v)
	}
	a, err := p.Accounts.SignIn(r.Context(), ask)
	if refused(f, "password", err) {
		return p.showSignIn(w, r, err, v)
	}
	if err != nil {
		return err
	}
	factors, err := p.Factors.Has(r.Context(), a.ID)
	if err != nil {
		return err
	}
	start := session.Start{Account: a.ID, Level: session.Password, Methods: []string{session.MethodPassword}, PasswordSetAt: a.PasswordSetAt}
	if !factors.Any() {
		return p.enter(w, r, start, v.ReturnTo)
	}
	start.Level = session.Pending
	token, _, err := p.begin(r, start)
	if err != nil {
		return err
	}
	setCookie(w, pendingCookie, token, session.PendingLife)
	p.public.Redirect(w, r, views.WithReturn("/sign-in/second-factor", v.ReturnTo))
	return nil
}

func (p *pages) begin(r *http.Request, s session.Start) (string, session.Session, error) {
	s.UserAgent, s.From = r.UserAgent(), from(r)
	return p.Sessions.Start(r.Context(), s)
}

// enter begins a session and opens the page that was wanted.
func (p *pages) enter(w http.ResponseWriter, r *http.Request, s session.Start, to string) error {
	token, begun, err := p.begin(r, s)
	if err != nil {
		return err
	}
	// Who was signed in here before is not any more.
	if err := p.Sessions.SignOut(r.Context(), cookie(r, sessionCookie), stranger(r).As(s.Account)); err != nil {
		return err
	}
	return p.admit(w, r, token, begun, to)
}

// admit hands the session over to the browser.
func (p *pages) admit(w http.ResponseWriter, r *http.Request, token string, s session.Session, to string) error {
	a, err := p.Accounts.Get(r.Context(), s.Account)
	if err != nil {
		return err
	}
	setCookie(w, sessionCookie, token, s.EndsAt.Sub(p.Now()))
	dropCookie(w, pendingCookie)
	dropCookie(w, passkeyCookie)
	p.Site.Prefer(w, r, a.Language, a.Theme)
	p.public.Redirect(w, r, to)
	return nil
}

// raise makes a session surer, which gives it another token.
func (p *pages) raise(w http.ResponseWriter, r *http.Request, token string, level session.Level, method string) (string, session.Session, error) {
	raised, err := p.Sessions.Raise(r.Context(), token, level, method, from(r))
	if err != nil {
		return "", session.Session{}, err
	}
	s, err := p.Sessions.Find(r.Context(), raised)
	if err != nil {
		return "", session.Session{}, err
	}
	setCookie(w, sessionCookie, raised, s.EndsAt.Sub(p.Now()))
	return raised, s, nil
}

func (p *pages) signOut(w http.ResponseWriter, r *http.Request) error {
	if token := cookie(r, sessionCookie); token != "" {
		by := stranger(r)
		if v, err := p.visitor(r); err == nil {
			by = v.by()
		}
		if err := p.Sessions.SignOut(r.Context(), token, by); err != nil {
			return err
		}
	}
	dropCookie(w, sessionCookie)
	dropCookie(w, pendingCookie)
	p.public.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.signout.done"))
	p.public.Redirect(w, r, "/sign-in")
	return nil
}
