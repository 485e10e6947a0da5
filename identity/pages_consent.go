package identity

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"

	"guildhall/identity/internal/authorize"
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
	name := views.ApplicationName(ctx, c)
	view := views.Consent{Action: authorizePath + "/" + asked.ID, Name: name, Host: hostOf(r, asked.RedirectURI), Account: v.Account, Scopes: step.Scopes,
		Before: views.ScopeNames(ctx, before), Resources: asked.Audiences, Local: step.Local}
	page := web.Page{Title: i18n.T(ctx, title, "Name", name), Narrow: true, Body: body(view)}
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

// decide takes what somebody decided about a request that waits. Where somebody
// else was asked, or something else comes first, the request says what.
func (p *pages) decide(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	_, who, err := p.perhaps(r)
	if err != nil {
		return err
	}
	answer, err := authorize.Answer{}, error(authorize.ErrNotYet)
	if who != nil && who.Account == f.Value("account") {
		answer, err = p.decided(r.Context(), r.PathValue("id"), f.Value("decision"), *who)
	}
	if errors.Is(err, authorize.ErrNotYet) {
		p.public.Redirect(w, r, authorizePath+"/"+url.PathEscape(r.PathValue("id"))) // nobody may have looked for it yet
		return nil
	}
	if err != nil {
		return err
	}
	return p.leave(w, r, answer, "")
}

func (p *pages) decided(ctx context.Context, id, decision string, who authorize.Visitor) (authorize.Answer, error) {
	switch decision {
	case views.Allow:
		return p.Authorize.Approve(ctx, id, who)
	case views.Deny:
		return p.Authorize.Deny(ctx, id)
	case views.Choose:
		if err := p.Authorize.Choose(ctx, id, who); err != nil {
			return authorize.Answer{}, err
		}
	}
	return authorize.Answer{}, authorize.ErrNotYet
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
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" {
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
