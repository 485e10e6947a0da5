package web

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"guildhall/ca/internal/journal"
	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Audit is one page of the audit log.
type Audit struct {
	Query  ui.ListQuery
	Events []Event
	// Next is the cursor of the next page.
	Next string
	Head audit.Head
	// Key is the verifier key of the head.
	Key string
	// Report is the outcome of a verification that was asked for; else nil.
	Report *audit.Report
	// Form is what was typed to verify.
	Form *form.Form
}

// AuditActions are the actions that the list can be narrowed to.
func AuditActions() []string {
	return append([]string{journal.Issued, journal.IssueRefused, journal.Renewed, journal.RenewRefused, journal.Revoked, journal.RevokeRefused,
		journal.VerificationFailed, journal.KeyExported, journal.TokenCreated, journal.TokenRefused, journal.TokenWithdrawn, journal.Created},
		audit.ProcessActions()...)
}

func (v Audit) table(ctx context.Context) templ.Component {
	actions := ui.Filter{Name: "action", Label: i18n.T(ctx, "ca.audit.action")}
	for _, a := range AuditActions() {
		actions.Options = append(actions.Options, ui.Option{Value: a, Label: ActionName(ctx, a)})
	}
	t := ui.Table{ID: "audit", Caption: i18n.T(ctx, "ca.nav.audit"), Query: v.Query, Total: -1, Next: v.Next,
		Search: i18n.T(ctx, "ca.audit.search"), Filters: []ui.Filter{actions},
		Columns: []ui.Column{{Label: i18n.T(ctx, "ca.audit.seq")}, {Label: i18n.T(ctx, "ca.audit.at")}, {Label: i18n.T(ctx, "ca.audit.action")},
			{Label: i18n.T(ctx, "ca.audit.subject")}, {Label: i18n.T(ctx, "ca.audit.actor")}, {Label: i18n.T(ctx, "ca.audit.detail")}},
		Empty: ui.Empty{Icon: "log", Title: i18n.T(ctx, "ca.audit.empty"), Text: i18n.T(ctx, "ca.audit.empty.text")}}
	for _, e := range v.Events {
		t.Rows = append(t.Rows, auditRow(ctx, e))
	}
	return t
}

func auditRow(ctx context.Context, e Event) ui.Row {
	tone, _ := e.look()
	var subject templ.Component = ui.Short(e.Name)
	if e.URL != "" {
		subject = ui.Link{Label: e.Name, URL: e.URL}
	}
	return ui.Row{ui.Text(number(e.Seq)), ui.Time{At: e.At}, ui.Badge{Tone: tone, Label: ActionName(ctx, e.Action)}, subject,
		ui.Group{ui.Text(e.actor(ctx)), ui.Muted(e.From)}, auditDetail(e.pairs())}
}

// pairs are the detail's names and values as they are recorded.
func (e Event) pairs() []string {
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
		return i18n.T(ctx, "ca.audit.problem.log")
	case p.First == p.Last:
		return i18n.T(ctx, "ca.audit.problem.row", "Row", number(p.First))
	}
	return i18n.T(ctx, "ca.audit.problem.rows", "First", number(p.First), "Last", number(p.Last))
}

// problemText says what happened in the reader's language, with the log's own
// words beside it.
func problemText(ctx context.Context, p audit.Problem) string {
	return known(ctx, "ca.audit.kind."+string(p.Kind), string(p.Kind))
}
