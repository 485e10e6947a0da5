package identity

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"guildhall/identity/internal/logout"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// logoutAsked is the address of a request on its way through the browser.
func logoutAsked(sealed string) string { return logoutPath + "?request=" + url.QueryEscape(sealed) }

// logout is where applications send browsers to sign out (OpenID Connect
// RP-Initiated Logout 1.0). An application that shows that it knows the session is
// believed; else the person is asked.
func (p *pages) logout(w http.ResponseWriter, r *http.Request) error {
	asked, err := p.logoutRequest(r)
	if err != nil {
		return err
	}
	r = p.speak(w, r, asked.Locales)
	v, err := p.visitor(r)
	if errors.Is(err, session.ErrNone) {
		return p.signedOut(w, r, asked)
	}
	if err != nil {
		return err
	}
	if !asked.Believed(v.Account.ID, v.Session.ID) {
		return p.askLogout(w, r, v, asked)
	}
	if err := p.endThis(w, r, v); err != nil {
		return err
	}
	return p.signedOut(w, r, asked)
}

// logoutRequest is what the application asks for, or what has been on its way here
// already.
func (p *pages) logoutRequest(r *http.Request) (logout.Request, error) {
	params, err := authorizeParams(r)
	if err != nil {
		return logout.Request{Wrong: logout.WrongRequest}, nil //nolint:nilerr // the page says it
	}
	if sealed := params.Get("request"); sealed != "" {
		return p.Logout.Open(r.Context(), sealed)
	}
	return p.Logout.Read(r.Context(), params)
}

// logoutByForm takes the request of an application that posts it. Browsers send no
// cookies along with a form of another site, so that who is signed in is looked at
// under an address of ours.
func (p *pages) logoutByForm(w http.ResponseWriter, r *http.Request) error {
	asked, err := p.logoutRequest(r)
	if err != nil {
		return err
	}
	sealed, err := p.Logout.Seal(asked)
	if err != nil {
		return err
	}
	p.public.Redirect(w, r, logoutAsked(sealed))
	return nil
}

// confirmLogout signs out whoever was asked.
func (p *pages) confirmLogout(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	v, err := p.visitor(r)
	if err != nil && !errors.Is(err, session.ErrNone) {
		return err
	}
	// Somebody else who has signed in meanwhile is asked anew.
	if err == nil && v.Account.ID == f.Value("account") {
		if err := p.endThis(w, r, v); err != nil {
			return err
		}
	}
	p.public.Redirect(w, r, logoutAsked(f.Value("request")))
	return nil
}

// endThis ends the session of the browser.
func (p *pages) endThis(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := p.Sessions.SignOut(r.Context(), v.Token, v.by()); err != nil {
		return err
	}
	dropCookie(w, sessionCookie)
	dropCookie(w, pendingCookie)
	return nil
}

func (p *pages) askLogout(w http.ResponseWriter, r *http.Request, v *visitor, asked logout.Request) error {
	sealed, err := p.Logout.Seal(asked)
	if err != nil {
		return err
	}
	view := views.Logout{Request: sealed, Account: v.Account, Wrong: asked.Wrong}
	if asked.Client != nil {
		view.Name = views.ApplicationName(r.Context(), asked.Client)
	}
	if asked.RedirectURI != "" {
		view.Host = hostOf(r, asked.RedirectURI)
	}
	return p.showLogout(w, r, asked, "identity.logout.title", "identity.logout.lead", views.LogoutPage(view))
}

// signedOut answers a browser in which nobody is signed in any more.
func (p *pages) signedOut(w http.ResponseWriter, r *http.Request, asked logout.Request) error {
	if to := asked.Location(); to != "" {
		return p.leaveTo(w, r, to, views.ApplicationName(r.Context(), asked.Client))
	}
	return p.showLogout(w, r, asked, "identity.logout.done", "", views.SignedOutPage(asked.Wrong))
}

func (p *pages) showLogout(w http.ResponseWriter, r *http.Request, asked logout.Request, title, lead string, body templ.Component) error {
	page := web.Page{Title: i18n.T(r.Context(), title), Narrow: true, Body: body}
	if lead != "" {
		page.Lead = i18n.T(r.Context(), lead)
	}
	status := http.StatusOK
	if asked.Wrong != "" {
		status = http.StatusBadRequest
	}
	p.public.Render(w, r, status, page)
	return nil
}
