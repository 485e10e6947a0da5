package identity

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"

	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) showConsent(w http.ResponseWriter, r *http.Request, v *visitor, step authorize.Step, title, lead string, body func(views.Consent) templ.Component) error {
	ctx := r.Context()
	asked, c := step.Request, step.Client
	before := asked.Scopes.Beyond(step.Scopes)
	view := views.Consent{Action: authorizePath + "/" + asked.ID, Name: c.Name, Host: hostOf(r, asked.RedirectURI), Account: v.Account, Scopes: step.Scopes,
		Before: views.ScopeNames(ctx, before), Resources: asked.Audiences, Local: step.Local}
	page := web.Page{Title: i18n.T(ctx, title, "Name", c.Name), Narrow: true, Body: body(view)}
	if lead != "" {
		page.Lead = i18n.T(ctx, lead)
	}
	return p.showApart(w, r, v, nil, page)
}

// showApart shows somebody who is signed in a page that stands apart from those
// of the account: the way on is the application's.
func (p *pages) showApart(w http.ResponseWriter, r *http.Request, v *visitor, err error, page web.Page) error {
	page.User = &web.User{Name: v.Account.Name, Role: v.Account.Email, SignOut: "/sign-out"}
	p.render(p.public, w, r, err, page)
	return nil
}

// decide takes what somebody decided about a request that waits.
func (p *pages) decide(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	v, err := p.visitor(r)
	if err != nil && !errors.Is(err, session.ErrNone) {
		return err
	}
	if err != nil || v.Account.ID != f.Value("account") { // somebody else was asked
		p.public.Redirect(w, r, authorizePath+"/"+id)
		return nil
	}
	who, err := p.who(r, v)
	if err != nil {
		return err
	}
	var answer authorize.Answer
	switch f.Value("decision") {
	case views.Allow:
		answer, err = p.Authorize.Approve(r.Context(), id, *who)
	case views.Deny:
		answer, err = p.Authorize.Deny(r.Context(), id)
	case views.Choose:
		if err = p.Authorize.Choose(r.Context(), id, *who); err == nil {
			err = authorize.ErrNotYet
		}
	default:
		err = authorize.ErrNotYet
	}
	if errors.Is(err, authorize.ErrNotYet) {
		p.public.Redirect(w, r, authorizePath+"/"+id)
		return nil
	}
	if err != nil {
		return err
	}
	return p.leave(w, r, answer, "")
}

func (p *pages) showLeave(w http.ResponseWriter, r *http.Request, name string, body templ.Component) error {
	if name == "" {
		name = i18n.T(r.Context(), "identity.leave.application")
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(r.Context(), "identity.leave.title", "Name", name), Narrow: true, Body: body})
}

// hostOf is what a reader knows of where an application gets its answer.
func hostOf(r *http.Request, uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" {
		return i18n.T(r.Context(), "identity.consent.local.host")
	}
	return u.Host
}

func hidden(values url.Values) []ui.Hidden {
	var list []ui.Hidden
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, ui.Hidden{Name: name, Value: values.Get(name)})
	}
	return list
}

// sendScript serves the script that sends an answer to an application.
func (p *pages) sendScript(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "send.js", time.Time{}, bytes.NewReader(views.SendScript()))
	return nil
}
