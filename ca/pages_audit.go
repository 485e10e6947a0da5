package ca

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	views "guildhall/ca/web"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) auditLog(w http.ResponseWriter, r *http.Request) error {
	return p.showAudit(w, r, form.New(), nil)
}

func (p *pages) showAudit(w http.ResponseWriter, r *http.Request, f *form.Form, report *audit.Report) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"action"}, Size: 25})
	before, _ := strconv.ParseInt(q.Cursor, 10, 64) // what is no number starts at the newest
	filter := audit.Filter{Text: q.Q, Before: max(before, 0), Limit: q.Size, Action: q.Filter("action")}
	log, err := p.Audit.List(ctx, filter)
	if err != nil {
		return err
	}
	head, err := p.Audit.Head(ctx)
	if err != nil && report == nil { // a report says what is wrong with the head
		return err
	}
	v := views.Audit{Query: q, Events: p.named(ctx, log.Records), Head: head, Key: p.Audit.VerifierKey(), Report: report, Form: f}
	if log.Next > 0 {
		v.Next = strconv.FormatInt(log.Next, 10)
	}
	return p.show(w, r, f.Err() != nil, web.Page{Title: i18n.T(ctx, "ca.nav.audit"), Lead: i18n.T(ctx, "ca.audit.lead"), Active: "/audit",
		Actions: []templ.Component{views.VerifyButton(), ui.Button{Label: i18n.T(ctx, "ca.audit.export"), URL: "/audit/export", Icon: "download", Download: true}},
		Body:    views.AuditPage(v)})
}

// verifyAudit reads the whole log again. A head that was kept elsewhere also
// shows a log that was put back to an older state.
func (p *pages) verifyAudit(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	var kept []audit.Head
	if text := f.Text("head"); text != "" {
		kept = append(kept, audit.Head{Note: strings.ReplaceAll(text, "\r\n", "\n") + "\n"})
	}
	if f.Err() != nil {
		return p.showAudit(w, r, f, nil)
	}
	report, err := p.Audit.Verify(r.Context(), kept...)
	if e := fault.As(err); err != nil && e.Kind == fault.Invalid {
		f.Fail(fault.Field{Name: "head", Code: e.Code, Detail: e.Detail})
		return p.showAudit(w, r, f, nil)
	}
	if err != nil {
		return err
	}
	return p.showAudit(w, r, f, &report)
}

// exportAudit sends the whole log as JSON lines with the signed head at the end,
// without which an export that broke off is seen to be none.
func (p *pages) exportAudit(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Content-Disposition", `attachment; filename="guildhall-ca-audit-`+p.now().Format("2006-01-02")+`.jsonl"`)
	secret(w)
	return p.Audit.Export(r.Context(), w)
}
