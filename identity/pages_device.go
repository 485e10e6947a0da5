package identity

import (
	"net/http"
	"net/url"

	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/device"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// deviceForm asks for the code of a device. One that stands in the address
// (RFC 8628, 3.3.1) is put into the form and no more: its reader has to look at
// what asks.
func (p *pages) deviceForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return p.showDevice(w, r, v, nil, form.New("user_code", r.URL.Query().Get("user_code")))
}

func (p *pages) showDevice(w http.ResponseWriter, r *http.Request, v *visitor, err error, f *form.Form) error {
	ctx := r.Context()
	page := web.Page{Title: i18n.T(ctx, "identity.device.title"), Lead: i18n.T(ctx, "identity.device.lead"), Active: "/applications", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "identity.nav.applications", "/applications")}, Body: views.DevicePage(f)}
	return p.showOwn(w, r, v, err, page)
}

// device looks for what asks under the code.
func (p *pages) device(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	code := f.Text("user_code", form.Required, form.Max(32))
	if err := f.Err(); err != nil {
		return p.showDevice(w, r, v, err, f)
	}
	pending, err := p.Devices.Find(r.Context(), code, v.by())
	if refused(f, "user_code", err) {
		return p.showDevice(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	p.shell.Redirect(w, r, withCode("/device/confirm", pending.UserCode))
	return nil
}

// confirmDevice shows what asks under the code.
func (p *pages) confirmDevice(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f := form.New("user_code", r.URL.Query().Get("user_code"))
	pending, err := p.Devices.Find(r.Context(), f.Value("user_code"), v.by())
	if refused(f, "user_code", err) {
		return p.showDevice(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	return p.showDeviceConsent(w, r, v, pending)
}

func withCode(path, code string) string { return path + "?" + url.Values{"user_code": {code}}.Encode() }

func (p *pages) showDeviceConsent(w http.ResponseWriter, r *http.Request, v *visitor, pending device.Pending) error {
	ctx := r.Context()
	c, err := p.Clients.Get(ctx, pending.ClientID)
	if err != nil {
		return err
	}
	view := views.DeviceConsent{Code: pending.UserCode, Name: views.ApplicationName(ctx, &c), From: pending.From, MadeAt: pending.MadeAt, Now: p.Now(),
		Scopes: pending.Scopes, Resources: pending.Audiences, Account: v.Account}
	return p.showOwn(w, r, v, nil, web.Page{Title: i18n.T(ctx, "identity.device.confirm", "Name", views.ApplicationName(ctx, &c)), Active: "/applications", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "identity.device.title", "/device")}, Body: views.DeviceConsentPage(view)})
}

// decideDevice takes what somebody decided about a device.
func (p *pages) decideDevice(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	code, decision := f.Value("user_code"), f.Value("decision")
	if v.Account.ID != f.Value("account") || decision != views.Allow && decision != views.Deny { // somebody else was asked
		p.shell.Redirect(w, r, withCode("/device/confirm", code))
		return nil
	}
	who := device.Who{Account: v.Account.ID, Session: v.Session.ID, AuthTime: v.Session.AuthenticatedAt,
		ACR: authorize.ACR(v.Session.Level), AMR: authorize.AMR(v.Session.Level, v.Session.Methods)}
	err = p.Devices.Decide(r.Context(), code, decision == views.Allow, who, v.by())
	if refused(f, "user_code", err) {
		return p.showDevice(w, r, v, err, f)
	}
	if err != nil {
		return err
	}
	tone, text := ui.Good, "identity.device.allowed"
	if decision == views.Deny {
		tone, text = ui.Info, "identity.device.denied"
	}
	p.shell.Flash(w, r, tone, i18n.T(r.Context(), text))
	p.shell.Redirect(w, r, "/applications")
	return nil
}
