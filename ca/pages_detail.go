package ca

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"

	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	views "guildhall/ca/web"
	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// historyLength is how many entries of the audit log a certificate's page shows.
const historyLength = 20

func (p *pages) certificate(w http.ResponseWriter, r *http.Request) error {
	record, err := p.record(r)
	if err != nil {
		return err
	}
	return p.showCertificate(w, r, record, nil)
}

// showCertificate shows a certificate, with the form of its revocation if that was
// wrong.
func (p *pages) showCertificate(w http.ResponseWriter, r *http.Request, record *store.Record, revoking *form.Form) error {
	ctx := r.Context()
	d, err := p.detail(ctx, record)
	if err != nil {
		return err
	}
	d.Operator, d.Revoking = may(r, operatorRole), revoking
	return p.show(w, r, revoking.Problems() != nil, web.Page{Title: views.Title(record), Active: "/certificates", Actions: d.Actions(ctx),
		Crumbs: []web.Crumb{crumb(ctx, "ca.nav.certificates", "/certificates")}, Body: views.DetailPage(d)})
}

// record is the certificate that the address names, by id or serial number.
func (p *pages) record(r *http.Request) (*store.Record, error) {
	return p.Certificates.Get(r.Context(), r.PathValue("id"))
}

func (p *pages) detail(ctx context.Context, record *store.Record) (views.Detail, error) {
	cert, err := x509.ParseCertificate(record.DER)
	if err != nil {
		return views.Detail{}, fmt.Errorf("read a kept certificate: %w", err)
	}
	log, err := p.Audit.List(ctx, audit.Filter{Subject: record.ID, Limit: historyLength})
	if err != nil {
		return views.Detail{}, err
	}
	of, _ := p.Certificates.Profiles.Get(record.Profile)
	keys := p.Certificates.Keys
	return views.Detail{Record: record, Certificate: cert, State: p.Certificates.Status(record), Now: p.now(), Events: history(log.Records),
		Renewable: of.Name != profile.OCSP && of.Requestable(), Chain: []*x509.Certificate{keys.Issuing().Certificate, keys.RootCertificate()}}, nil
}

// history is the entries of one certificate, on whose page its name says nothing
// new.
func history(records []audit.Record) []views.Event {
	events := make([]views.Event, 0, len(records))
	for _, r := range records {
		events = append(events, views.Event{Record: r})
	}
	return events
}

// titleFor is the title of a page that does something to a certificate.
func titleFor(ctx context.Context, key string, record *store.Record) string {
	return i18n.T(ctx, key, "Name", views.Title(record))
}

// crumbsTo leads to a certificate's page.
func crumbsTo(ctx context.Context, record *store.Record) []web.Crumb {
	return []web.Crumb{crumb(ctx, "ca.nav.certificates", "/certificates"), {Label: views.Title(record), URL: views.URL(record)}}
}
