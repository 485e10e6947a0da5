package ca

import (
	"net/http"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
	views "guildhall/ca/web"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

func (p *pages) renewForm(w http.ResponseWriter, r *http.Request) error {
	record, err := p.record(r)
	if err != nil {
		return err
	}
	if record.Revoked() {
		return store.ErrRevoked
	}
	return p.showRenew(w, r, record, form.New("key", views.RenewKeys(record)[0], "unit", "days", "as", certificate.NewID()))
}

func (p *pages) showRenew(w http.ResponseWriter, r *http.Request, record *store.Record, f *form.Form) error {
	return p.show(w, r, f.Err() != nil, web.Page{Title: titleFor(r.Context(), "ca.renew.title", record), Active: "/certificates", Narrow: true,
		Crumbs: crumbsTo(r.Context(), record), Body: views.RenewPage(views.Renew{Record: record, Form: f})})
}

func (p *pages) renew(w http.ResponseWriter, r *http.Request) error {
	record, err := p.record(r)
	if err != nil {
		return err
	}
	f, err := readUpload(r, "csr", "csr_file", "CERTIFICATE REQUEST")
	if err != nil {
		return err
	}
	ask := p.readRenew(r, f, record)
	if !certificate.IsID(ask.As) {
		return errMalformedForm
	}
	if f.Err() != nil {
		return p.showRenew(w, r, record, f)
	}
	issued, err := p.Certificates.Renew(r.Context(), ask)
	if takeFields(f, err) {
		return p.showRenew(w, r, record, f)
	}
	return p.handOut(w, r, ask.As, issued, err)
}

func (p *pages) readRenew(r *http.Request, f *form.Form, record *store.Record) certificate.RenewRequest {
	ask := certificate.RenewRequest{ID: record.ID, As: f.Value("as"), By: by(r)}
	if of, ok := p.Certificates.Profiles.Get(record.Profile); ok {
		ask.Lifetime = readLifetime(f, of.MaxLifetime)
	}
	switch f.Choice("key", views.RenewKeys(record)...) {
	case views.CSRKey:
		ask.CSR = []byte(f.Text("csr", form.Required))
	case views.NewKey:
		ask.NewKey = true
	}
	return ask
}
