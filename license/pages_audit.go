package license

import (
	"context"
	"net/http"

	"guildhall/license/internal/journal"
	"guildhall/platform/audit"
	"guildhall/platform/audit/logpage"
	"guildhall/platform/i18n"
)

// auditPages names the pages of the audit log.
func (p *pages) auditPages(admin map[string]page) {
	admin["GET /audit"] = p.auditLog
	admin["POST /audit/verify"] = p.verifyAudit
	admin["GET /audit/export"] = func(w http.ResponseWriter, r *http.Request) error { return p.log().Export(w, r) }
}

func (p *pages) log() *logpage.Log {
	return &logpage.Log{Audit: p.Service.journal.Audit, Service: Name, Path: "/audit", Actions: journal.Actions(), ActionName: actionName, Now: p.now,
		Entries: entries}
}

func (p *pages) auditLog(w http.ResponseWriter, r *http.Request) error {
	page, err := p.log().Show(r)
	if err != nil {
		return err
	}
	return p.show(w, r, nil, page)
}

func (p *pages) verifyAudit(w http.ResponseWriter, r *http.Request) error {
	page, refused, err := p.log().Verify(r)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		status = http.StatusUnprocessableEntity
	}
	p.shell.Render(w, r, status, page)
	return nil
}

// actionName is what one of our actions is called; another is the process's.
func actionName(ctx context.Context, action string) string {
	if name, ok := i18n.Lookup(ctx, "license.action."+action); ok {
		return name
	}
	return logpage.ActionName(ctx, action)
}

// entries call what records name by its id, as the log does.
func entries(ctx context.Context, records []audit.Record) []logpage.Entry {
	list := make([]logpage.Entry, len(records))
	for i, r := range records {
		list[i] = logpage.Entry{Record: r, Name: r.Subject, By: logpage.ActorName(ctx, r)}
	}
	return list
}
