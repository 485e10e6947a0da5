package logpage

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// view is one page of the log.
type view struct {
	log     *Log
	query   ui.ListQuery
	entries []Entry
	// next is the cursor of the next page.
	next string
	head audit.Head
	// key is the verifier key of the head.
	key string
	// report is the outcome of a verification that was asked for; else nil.
	report *audit.Report
	// form is what was typed to verify.
	form *form.Form
}

func (v view) table(ctx context.Context) templ.Component {
	actions := ui.Filter{Name: "action", Label: i18n.T(ctx, "web.audit.action")}
	for _, a := range v.log.actions() {
		actions.Options = append(actions.Options, ui.Option{Value: a, Label: v.log.ActionName(ctx, a)})
	}
	t := ui.Table{ID: "audit", Caption: i18n.T(ctx, "web.audit.title"), Query: v.query, Total: -1, Next: v.next, Search: i18n.T(ctx, "web.audit.search"),
		Filters: []ui.Filter{actions, {Name: "actor", Label: i18n.T(ctx, "web.audit.actor"), Type: "text"}, {Name: "subject", Label: i18n.T(ctx, "web.audit.subject"), Type: "text"},
			{Name: "since", Label: i18n.T(ctx, "web.audit.since"), Type: "date"}, {Name: "until", Label: i18n.T(ctx, "web.audit.until"), Type: "date"}},
		Columns: []ui.Column{{Label: i18n.T(ctx, "web.audit.seq")}, {Label: i18n.T(ctx, "web.audit.at")}, {Label: i18n.T(ctx, "web.audit.action")},
			{Label: i18n.T(ctx, "web.audit.subject")}, {Label: i18n.T(ctx, "web.audit.actor")}, {Label: i18n.T(ctx, "web.audit.detail")}},
		Empty: ui.Empty{Icon: "log", Title: i18n.T(ctx, "web.audit.empty"), Text: i18n.T(ctx, "web.audit.empty.text")}}
	for _, e := range v.entries {
		t.Rows = append(t.Rows, v.row(ctx, e))
	}
	return t
}

func (v view) row(ctx context.Context, e Entry) ui.Row {
	var subject templ.Component = ui.Short(e.Name)
	if e.URL != "" {
		subject = ui.Link{Label: e.Name, URL: e.URL}
	}
	return ui.Row{ui.Text(number(e.Seq)), ui.Time{At: e.At}, ui.Badge{Tone: e.Tone, Label: v.log.ActionName(ctx, e.Action)}, subject,
		ui.Group{ui.Text(e.By), ui.Muted(e.From)}, auditDetail(e.pairs())}
}

// pairs are the detail's names and values as they are recorded.
func (e Entry) pairs() []string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(e.Detail, &fields) != nil {
		return nil
	}
	list := []string{"actor: " + e.Actor, "subject: " + e.Subject}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		list = append(list, name+": "+strings.Trim(string(fields[name]), `"`))
	}
	return list
}

func problemName(ctx context.Context, p audit.Problem) string {
	switch {
	case p.First < 0:
		return i18n.T(ctx, "web.audit.problem.log")
	case p.First == p.Last:
		return i18n.T(ctx, "web.audit.problem.row", "Row", number(p.First))
	}
	return i18n.T(ctx, "web.audit.problem.rows", "First", number(p.First), "Last", number(p.Last))
}

// problemText says what happened in the reader's language, with the log's own
// words beside it.
func problemText(ctx context.Context, p audit.Problem) string {
	return known(ctx, "web.audit.kind."+string(p.Kind), string(p.Kind))
}

// number writes an identifying number, such as a row's: digits alone.
func number(n int64) string { return strconv.FormatInt(n, 10) }
