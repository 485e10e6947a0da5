package identity

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
)

// authorize is the authorization endpoint. What an application asks for is kept
// and goes on under an address of its own, so that signing in leads back to it.
func (p *pages) authorize(w http.ResponseWriter, r *http.Request) error {
	params, err := authorizeParams(r)
	if err != nil {
		return err
	}
	if err := p.mayBegin(r); err != nil {
		return err
	}
	id, err := p.Authorize.Begin(r.Context(), params)
	if refused, ok := errors.AsType[*authorize.Refused](err); ok {
		return p.leave(w, r, refused.Answer, "")
	}
	if err != nil {
		return err
	}
	p.public.Redirect(w, r, authorizePath+"/"+id)
	return nil
}

// authorizeParams are those of the address, or with POST those of the form
// (OpenID Connect Core, 3.1.2.1).
func authorizeParams(r *http.Request) (url.Values, error) {
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			return nil, authorize.ErrMalformed.Because(err)
		}
		if !readable(r.PostForm) {
			return nil, authorize.ErrMalformed
		}
		return r.PostForm, nil
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, authorize.ErrMalformed.Because(err)
	}
	return params, nil
}

// authorizeStep is the address of a request that waits: it does what comes next.
func (p *pages) authorizeStep(w http.ResponseWriter, r *http.Request) error {
	v, who, err := p.perhaps(r)
	if err != nil {
		return err
	}
	step, err := p.Authorize.Decide(r.Context(), r.PathValue("id"), who)
	if err != nil {
		return err
	}
	return p.nextStep(w, r, v, step)
}

func (p *pages) nextStep(w http.ResponseWriter, r *http.Request, v *visitor, step authorize.Step) error {
	here := authorizePath + "/" + step.Request.ID
	r = p.speak(w, r, step.Request.Locales)
	switch step.Kind {
	case authorize.SignIn:
		to := "/sign-in"
		if step.Switch {
			to += "?switch=1"
		}
		p.public.Redirect(w, r, views.WithReturn(to, here))
	case authorize.ChangePassword:
		p.public.Redirect(w, r, views.WithReturn(passwordPage, here))
	case authorize.Enrol:
		p.public.Redirect(w, r, securityPage)
	case authorize.Confirm, authorize.StepUp:
		p.public.Redirect(w, r, views.WithReturn("/confirm", here))
	case authorize.Choose:
		return p.showConsent(w, r, v, step, "identity.choose.title", "", views.ChoosePage)
	case authorize.Consent:
		return p.showConsent(w, r, v, step, "identity.consent.title", "identity.consent.lead", views.ConsentPage)
	default:
		return p.leave(w, r, step.Answer, views.ApplicationName(r.Context(), step.Client))
	}
	return nil
}

// perhaps is who is signed in, as package authorize sees him too; nil for nobody.
func (p *pages) perhaps(r *http.Request) (*visitor, *authorize.Visitor, error) {
	v, err := p.visitor(r)
	if errors.Is(err, session.ErrNone) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	factors, err := p.Factors.Has(r.Context(), v.Account.ID)
	if err != nil {
		return nil, nil, err
	}
	s := v.Session
	return v, &authorize.Visitor{Account: v.Account.ID, Session: s.ID, Level: s.Level, Methods: s.Methods, AuthenticatedAt: s.AuthenticatedAt,
		CanStepUp: factors.Any(), MustChange: v.Account.MustChange, MustEnrol: v.MustEnrol, By: v.by()}, nil
}

// speak makes the language that an application asks for that of a browser in which
// nobody chose one, beginning with the page that answers the request it returns.
func (p *pages) speak(w http.ResponseWriter, r *http.Request, locales []string) *http.Request {
	if _, err := r.Cookie("lang"); err == nil {
		return r
	}
	for _, tag := range locales {
		primary, _, _ := strings.Cut(tag, "-")
		for _, l := range i18n.Languages() {
			if code, _, _ := strings.Cut(l.Code, "-"); strings.EqualFold(primary, code) {
				return r.WithContext(p.Site.Prefer(w, r, l.Code, ""))
			}
		}
	}
	return r
}

// asking is the application whose request a page leads back to, and whom it hints
// at; nil for other pages.
func (p *pages) asking(r *http.Request, to string) (*client.Client, *authorize.Request) {
	id, ok := strings.CutPrefix(to, authorizePath+"/")
	if !ok {
		return nil, nil
	}
	request, c, err := p.Authorize.Waiting(r.Context(), id)
	if err != nil { // it says so itself, when the browser comes back to it
		return nil, nil
	}
	return c, request
}

// leave sends the browser back to the application with an answer.
func (p *pages) leave(w http.ResponseWriter, r *http.Request, a authorize.Answer, name string) error {
	if to := a.Location(); to != "" {
		return p.leaveTo(w, r, to, name)
	}
	return p.leaveByForm(w, r, a, name)
}

// leaveTo sends the browser to an address of an application.
//
// Browsers follow redirects after a form only to where the page of the form lets
// forms go (form-action), which is this host. So whoever comes from a page of
// ours gets one more, which leads out; all others are redirected at once.
func (p *pages) leaveTo(w http.ResponseWriter, r *http.Request, to, name string) error {
	if r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		w.Header().Set("Refresh", "0;url="+to)
		return p.showLeave(w, r, name, views.LeavePage(views.Leave{URL: to, Host: hostOf(r, to)}))
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// leaveByForm answers by form_post (OAuth 2.0 Form Post Response Mode).
func (p *pages) leaveByForm(w http.ResponseWriter, r *http.Request, a authorize.Answer, name string) error {
	u, err := url.Parse(a.RedirectURI)
	if err != nil {
		return authorize.ErrRedirect.Because(err)
	}
	origin := u.Scheme + "://" + u.Host
	if strings.HasPrefix(u.Host, "[") { // the policy has no word for such addresses
		origin = u.Scheme + ":"
	}
	policy := strings.Replace(web.ContentSecurityPolicy, "form-action 'self'", "form-action 'self' "+origin, 1)
	w.Header().Set("Content-Security-Policy", policy)
	return p.showLeave(w, r, name, views.PostPage(views.Leave{URL: a.RedirectURI, Host: hostOf(r, a.RedirectURI), Fields: hidden(a.Values)}))
}
