package identity

import (
	"context"
	"net/http"
	"strings"

	"guildhall/identity/internal/journal"
	views "guildhall/identity/web"
	"guildhall/platform/audit"
	"guildhall/platform/audit/logpage"
)

const auditPage = "/admin/audit"

// auditPages names the pages of the audit log. Whoever may look may verify it too:
// that changes nothing.
func (p *pages) auditPages(looks map[string]staff) {
	looks["GET /admin/audit"] = p.auditLog
	looks["POST /admin/audit/verify"] = p.verifyAudit
	looks["GET /admin/audit/export"] = func(w http.ResponseWriter, r *http.Request, _ *administrator) error { return p.log().Export(w, r) }
}

func (p *pages) log() *logpage.Log {
	return &logpage.Log{Audit: p.Audit, Service: Name, Path: auditPage, Actions: journal.Actions(), ActionName: views.ActionName, Entries: p.entries, Now: p.Now}
}

func (p *pages) auditLog(w http.ResponseWriter, r *http.Request, a *administrator) error {
	page, err := p.log().Show(r)
	if err != nil {
		return err
	}
	return p.showAdmin(w, r, a, nil, page)
}

func (p *pages) verifyAudit(w http.ResponseWriter, r *http.Request, a *administrator) error {
	page, refused, err := p.log().Verify(r)
	if err != nil {
		return err
	}
	return p.showAdmin(w, r, a, refused, page)
}

// entries finds out what the accounts, groups and applications of records are called
// now: the log holds their ids alone. What is gone keeps its id.
func (p *pages) entries(ctx context.Context, records []audit.Record) []logpage.Entry {
	names := map[string]string{}
	called := func(id string) string {
		if _, asked := names[id]; !asked {
			names[id] = p.nameOf(ctx, id)
		}
		return names[id]
	}
	list := make([]logpage.Entry, len(records))
	for i, r := range records {
		e := logpage.Entry{Record: r, Name: r.Subject, By: logpage.ActorName(ctx, r), Tone: views.ActionTone(r.Action)}
		if name := called(r.Subject); name != "" {
			e.Name, e.URL = name, pageOf(r.Subject)
		}
		if name := called(r.Actor); name != "" {
			e.By = name
		}
		list[i] = e
	}
	return list
}

// pageOf is the page of what an id names; empty when there is none.
func pageOf(id string) string {
	kind, _, _ := strings.Cut(id, "_")
	switch kind {
	case "usr":
		return userPath(id)
	case "grp":
		return groupPath(id)
	case "app":
		return clientPath(id)
	}
	return ""
}

// nameOf is what an id names; empty when that is gone or cannot be read: the page is
// worth more than a name.
func (p *pages) nameOf(ctx context.Context, id string) string {
	switch pageOf(id) {
	case userPath(id):
		if a, err := p.Accounts.Get(ctx, id); err == nil {
			return a.Name
		}
	case groupPath(id):
		if g, err := p.Groups.Get(ctx, id); err == nil {
			return g.Name
		}
	case clientPath(id):
		if c, err := p.Clients.Get(ctx, id); err == nil {
			return c.Name
		}
	}
	return ""
}
