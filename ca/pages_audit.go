package ca

import (
	"context"
	"net/http"

	views "guildhall/ca/web"
	"guildhall/platform/audit"
	"guildhall/platform/audit/logpage"
)

func (p *pages) log() *logpage.Log {
	return &logpage.Log{Audit: p.Audit, Service: "ca", Path: "/audit", Actions: views.AuditActions(), ActionName: views.ActionName, Now: p.now,
		Entries: func(ctx context.Context, records []audit.Record) []logpage.Entry {
			return views.Entries(ctx, p.named(ctx, records))
		}}
}

func (p *pages) auditLog(w http.ResponseWriter, r *http.Request) error {
	page, err := p.log().Show(r)
	if err != nil {
		return err
	}
	return p.show(w, r, false, page)
}

func (p *pages) verifyAudit(w http.ResponseWriter, r *http.Request) error {
	page, refused, err := p.log().Verify(r)
	if err != nil {
		return err
	}
	return p.show(w, r, refused != nil, page)
}

func (p *pages) exportAudit(w http.ResponseWriter, r *http.Request) error {
	return p.log().Export(w, r)
}
