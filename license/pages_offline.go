package license

import (
	"io"
	"net/http"
	"net/url"

	"guildhall/license/internal/issuer"
	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
	"guildhall/sdk/go/license/offline"
)

// offlinePages names the pages of offline licences.
func (p *pages) offlinePages(looks, support, admin map[string]page) {
	looks["GET /offline"] = p.licences
	looks["GET /offline/{id}"] = p.licence
	looks["GET /offline/look"] = p.look
	looks["POST /offline/look"] = p.lookAt
	support["GET /offline/{id}/text"] = p.licenceText
	support["POST /offline/{id}"] = p.noteLicence
	admin["GET /offline/new"] = p.newLicence
	admin["POST /offline/new"] = p.issueLicence
	admin["POST /offline/read"] = p.readRequest
	admin["GET /offline/read"] = p.newLicence // what came by POST is seen in another language
}

func (p *pages) licences(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"product", "issued_from", "issued_to", "end_to"}})
	v := views.Licences{Query: q, Now: p.now(), May: may(r, adminRole)}
	lookFor := store.LicenceQuery{Licensee: issuer.LicenseeKey(q.Q), Product: q.Filter("product"), Limit: q.Size, Offset: q.Offset()}
	lookFor.IssuedFrom, lookFor.IssuedTo = days(q, "issued_from", "issued_to")
	_, lookFor.EndTo = days(q, "", "end_to")
	var err error
	if v.Rows, v.Total, err = p.Service.store.Licences(ctx, lookFor); err != nil {
		return err
	}
	if v.Products, err = p.Service.store.Products(ctx); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.offline"), Lead: i18n.T(ctx, "license.offline.lead"), Active: "/offline",
		Actions: v.Actions(ctx), Body: views.LicencesPage(v)})
}

func (p *pages) licence(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Service.store.Licence(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.showLicence(w, r, one, form.New("note", one.Note), "")
}

// showLicence shows a licence, and once the code that opens its confidential part.
func (p *pages) showLicence(w http.ResponseWriter, r *http.Request, one store.Licence, f *form.Form, code string) error {
	ctx := r.Context()
	says, err := offline.Inspect(one.Text)
	if err != nil {
		return err
	}
	v := views.Licence{Licence: one, Claims: says.Claims, Form: f, Code: code, MayNote: may(r, supportRole)}
	if v.Product, err = p.Service.store.Product(ctx, one.Product); err != nil {
		return err
	}
	if one.Customer != "" {
		if v.Customer, err = p.Service.store.Customer(ctx, one.Customer); err != nil {
			return err
		}
	}
	if v.MayNote {
		if v.Text, err = offline.Armour(one.Text); err != nil {
			return err
		}
	}
	return p.show(w, r, f, web.Page{Title: one.Company, Lead: i18n.T(ctx, "license.offline.title", "Product", v.Product.Name), Active: "/offline", Once: code != "",
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.offline", "/offline")}, Body: views.LicencePage(v)})
}

func (p *pages) licenceText(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Service.store.Licence(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return sendLicence(w, one)
}

// sendLicence sends what the customer of a licence gets, as a file.
func sendLicence(w http.ResponseWriter, one store.Licence) error {
	text, err := offline.Armour(one.Text)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+one.ID+`.txt"`)
	h.Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text)
	return nil
}

func (p *pages) noteLicence(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	one, err := p.Service.issuer.SetNote(r.Context(), r.PathValue("id"), f.Text("note"), caller(r))
	if take(f, err) {
		return p.showLicence(w, r, one, f, "")
	}
	return p.did(w, r, err, "license.saved", "/offline/"+url.PathEscape(r.PathValue("id")))
}

func (p *pages) look(w http.ResponseWriter, r *http.Request) error {
	return p.showLook(w, r, views.Look{Form: form.New()})
}

func (p *pages) lookAt(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	v := views.Look{Form: f}
	text := f.Value("text")
	if text == "" {
		f.Fail(fault.Field{Name: "text", Code: "required", Detail: "Paste a licence."})
		return p.showLook(w, r, v)
	}
	v.Result, err = p.Service.issuer.Look(r.Context(), text)
	if err != nil && !take(f, err) {
		return err
	}
	return p.showLook(w, r, v)
}

func (p *pages) showLook(w http.ResponseWriter, r *http.Request, v views.Look) error {
	ctx := r.Context()
	return p.show(w, r, v.Form, web.Page{Title: i18n.T(ctx, "license.offline.look"), Lead: i18n.T(ctx, "license.offline.look.lead"), Active: "/offline", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.offline", "/offline")}, Body: views.LookPage(v)})
}
