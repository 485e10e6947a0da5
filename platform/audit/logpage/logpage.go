package logpage

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Log is the page of one log. It is safe for concurrent use.
type Log struct {
	Audit *audit.Log
	// Service is the service's name in commands and in the name of the export.
	Service string
	// Path is where the page is; Path/verify and Path/export are beside it.
	Path string
	// Actions are the service's own; those of the process come with them.
	Actions []string
	// ActionName is what an action is called in the reader's language.
	ActionName func(ctx context.Context, action string) string
	// Entries say what actors and subjects are called, in the order of the records.
	Entries func(ctx context.Context, records []audit.Record) []Entry
	Now     func() time.Time
}

// Entry is a record with what people call what it names.
type Entry struct {
	audit.Record
	// Name is the subject as people know it; URL is its page, or empty.
	Name, URL string
	// By is who did it.
	By   string
	Tone ui.Tone
}

// Show answers with the rows that the address asks for.
func (l *Log) Show(r *http.Request) (web.Page, error) { return l.page(r, form.New(), nil) }

// Verify reads the whole log again. A head that was kept elsewhere also shows a log
// that was put back to an older state. It says besides what the form was refused for.
func (l *Log) Verify(r *http.Request) (page web.Page, refused, err error) {
	f, err := form.Read(r)
	if err != nil {
		return web.Page{}, nil, err
	}
	report, refused, err := l.verify(r.Context(), f)
	if err != nil {
		return web.Page{}, nil, err
	}
	page, err = l.page(r, f, report)
	return page, refused, err
}

// verify has no report when the form is refused.
func (l *Log) verify(ctx context.Context, f *form.Form) (_ *audit.Report, refused, err error) {
	var kept []audit.Head
	if text := f.Text("head"); text != "" {
		kept = append(kept, audit.Head{Note: strings.ReplaceAll(text, "\r\n", "\n") + "\n"})
	}
	if err := f.Err(); err != nil {
		return nil, err, nil
	}
	report, err := l.Audit.Verify(ctx, kept...)
	if e := fault.As(err); err != nil && e.Kind == fault.Invalid {
		f.Fail(fault.Field{Name: "head", Code: e.Code, Detail: e.Detail})
		return nil, f.Err(), nil
	}
	return &report, nil, err
}

// Export sends the whole log as JSON lines with the signed head at the end, without
// which an export that broke off is seen to be none.
func (l *Log) Export(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Content-Disposition", `attachment; filename="guildhall-`+l.Service+`-audit-`+l.Now().Format(time.DateOnly)+`.jsonl"`)
	w.Header().Set("Cache-Control", "no-store")
	return l.Audit.Export(r.Context(), w)
}

func (l *Log) page(r *http.Request, f *form.Form, report *audit.Report) (web.Page, error) {
	ctx := r.Context()
	at := *r.URL
	at.Path = l.Path // the form of a verification was sent to another
	q := ui.ParseList(&at, ui.ListOptions{Filters: []string{"action", "actor", "subject", "since", "until"}})
	list, err := l.Audit.List(ctx, filter(q))
	if err != nil {
		return web.Page{}, err
	}
	head, err := l.Audit.Head(ctx)
	if err != nil && report == nil { // a report says what is wrong with the head
		return web.Page{}, err
	}
	v := view{log: l, query: q, entries: l.Entries(ctx, list.Records), head: head, key: l.Audit.VerifierKey(), report: report, form: f}
	if list.Next > 0 {
		v.next = strconv.FormatInt(list.Next, 10)
	}
	return web.Page{Title: i18n.T(ctx, "web.audit.title"), Lead: i18n.T(ctx, "web.audit.lead"), Active: l.Path, Body: v.body(),
		Actions: []templ.Component{v.verifyButton(), ui.Button{Label: i18n.T(ctx, "web.audit.export"), URL: l.Path + "/export", Icon: "download", Download: true}}}, nil
}

// filter is what a list's address asks of the log. What is no number starts at the
// newest, and what is no day bounds nothing.
func filter(q ui.ListQuery) audit.Filter {
	before, _ := strconv.ParseInt(q.Cursor, 10, 64)
	f := audit.Filter{Text: q.Q, Before: max(before, 0), Limit: q.Size, Action: q.Filter("action"), Actor: q.Filter("actor"), Subject: q.Filter("subject")}
	f.Since, _ = time.Parse(time.DateOnly, q.Filter("since"))
	if until, err := time.Parse(time.DateOnly, q.Filter("until")); err == nil {
		f.Until = until.AddDate(0, 0, 1) // the day is in it
	}
	return f
}

func (l *Log) actions() []string { return slices.Concat(l.Actions, audit.ProcessActions()) }
