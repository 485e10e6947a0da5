// Package design is the page that shows every component in every state. What
// it shows are specimens; nothing here is read from a database.
package design

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Specimen is what the page needs to know of the request.
type Specimen struct {
	Query ui.ListQuery
	// Form is what was posted to the page; nil when it was opened.
	Form *form.Form
	Now  time.Time
}

// ListOptions are those of the specimen list.
func ListOptions() ui.ListOptions {
	return ui.ListOptions{Sorts: []string{"name", "expires", "uses"}, Size: 5, Sizes: []int{5, 10, 25}, Filters: []string{"state"}}
}

// Check reads the specimen form as a service's page would.
func Check(f *form.Form) error {
	f.Text("name", form.Required, form.Max(64))
	f.Lines("sans", 3)
	f.Choice("profile", "server", "client")
	f.Int("days", 1, 90)
	f.Date("from")
	return f.Err()
}

// wrong is a form with one error of each kind of field.
func wrong() *form.Form {
	f := form.New("name", "gate.guildhall.localhost", "sans", "a\nb\nc\nd", "days", "900", "keytype", "p256")
	f.Lines("sans", 3)
	f.Choice("profile", "server", "client")
	f.Int("days", 1, 90)
	f.Fail(fault.Field{Name: "from", Code: "no_date", Detail: "no date"})
	f.Fail(fault.Field{Name: "reuse", Code: "not_offered", Detail: "not offered"})
	return f
}

// entry is one row of the specimen list.
type entry struct {
	name, serial, state string
	days, uses          int
}

func entries() []entry {
	states := []string{"valid", "expiring", "revoked", "expired"}
	var list []entry
	for i, name := range strings.Fields("bank ca chat deploy gate identity ledger license mail mirror notary portal registry shop store vault web") {
		list = append(list, entry{name: name + ".guildhall.localhost", serial: fmt.Sprintf("4f:a%x:0%x:9c:%x2:77:b%x", i%16, i%7, i%16, i%11),
			state: states[i*i%7%4], days: 3 + i*i*5%97, uses: i * i * 1371 % 98_765})
	}
	return list
}

// find searches, filters and sorts as a store would.
func find(q ui.ListQuery) (page []entry, total int) {
	list := slices.DeleteFunc(entries(), func(e entry) bool {
		return !strings.Contains(e.name, strings.ToLower(q.Q)) || q.Filter("state") != "" && q.Filter("state") != e.state
	})
	slices.SortStableFunc(list, func(a, b entry) int {
		order := strings.Compare(a.name, b.name)
		switch q.Sort {
		case "expires":
			order = cmp.Compare(a.days, b.days)
		case "uses":
			order = cmp.Compare(a.uses, b.uses)
		}
		if q.Desc {
			return -order
		}
		return order
	})
	return list[min(q.Offset(), len(list)):min(q.Offset()+q.Size, len(list))], len(list)
}

func rows(ctx context.Context, list []entry, now time.Time) []ui.Row {
	out := make([]ui.Row, 0, len(list))
	for _, e := range list {
		out = append(out, ui.Row{
			ui.Link{Label: e.name, URL: "/design"}, ui.Mono(e.serial), stateBadge(ctx, e.state),
			ui.Time{At: now.Add(time.Duration(e.days)*24*time.Hour + time.Hour), Now: now},
			ui.Text(i18n.Number(ctx, e.uses)),
			ui.Group{
				ui.Button{Label: i18n.T(ctx, "web.design.renew"), URL: "/design", Icon: "refresh", Quiet: true, Small: true, IconOnly: true},
				ui.Button{Label: i18n.T(ctx, "web.design.download"), URL: "/design", Icon: "download", Quiet: true, Small: true, IconOnly: true},
			},
		})
	}
	return out
}

func stateBadge(ctx context.Context, state string) templ.Component {
	tone := map[string]ui.Tone{"valid": ui.Good, "expiring": ui.Warn, "revoked": ui.Bad}[state]
	return ui.Badge{Tone: tone, Label: i18n.T(ctx, "web.design."+state)}
}

func list(ctx context.Context, s Specimen) ui.Table {
	found, total := find(s.Query)
	return ui.Table{
		ID: "certificates", Caption: i18n.T(ctx, "web.design.list"), Query: s.Query, Total: total,
		Search: i18n.T(ctx, "web.table.search"), Rows: rows(ctx, found, s.Now),
		Columns: []ui.Column{
			{Label: i18n.T(ctx, "web.design.name"), Sort: "name"}, {Label: i18n.T(ctx, "web.design.serial")},
			{Label: i18n.T(ctx, "web.design.state")}, {Label: i18n.T(ctx, "web.design.expires"), Sort: "expires"},
			{Label: i18n.T(ctx, "web.design.uses"), Sort: "uses", Numeric: true},
			{Label: i18n.T(ctx, "web.table.actions"), Actions: true},
		},
		Filters: []ui.Filter{{Name: "state", Label: i18n.T(ctx, "web.design.state"), Options: []ui.Option{
			{Value: "valid", Label: i18n.T(ctx, "web.design.valid")}, {Value: "expiring", Label: i18n.T(ctx, "web.design.expiring")},
			{Value: "revoked", Label: i18n.T(ctx, "web.design.revoked")}, {Value: "expired", Label: i18n.T(ctx, "web.design.expired")},
		}}},
		Actions: []templ.Component{ui.Button{Label: i18n.T(ctx, "web.design.download"), URL: "/design", Icon: "download"}},
	}
}

func emptyList(ctx context.Context, s Specimen) ui.Table {
	return ui.Table{ID: "none", Caption: i18n.T(ctx, "web.design.empty"), Query: ui.ListQuery{Page: 1, Size: 25}, Empty: ui.Empty{
		Icon: "certificate", Title: i18n.T(ctx, "web.design.empty"), Text: i18n.T(ctx, "web.design.emptytext"),
		Action: ui.Button{Label: i18n.T(ctx, "web.design.issue"), URL: "/design", Primary: true, Icon: "plus"}}}
}

// days are the values of the specimen charts, one a day.
func days(ctx context.Context, now time.Time, n int) []ui.Datum {
	data := make([]ui.Datum, 0, n)
	for i := range n {
		day := now.AddDate(0, 0, i-n+1)
		data = append(data, ui.Datum{Label: day.Format("01-02"), Value: float64(12 + i*i*7%31 + i)})
	}
	return data
}

func states(ctx context.Context) []ui.Datum {
	return []ui.Datum{
		{Label: i18n.T(ctx, "web.design.valid"), Value: 1204, Tone: ui.Good},
		{Label: i18n.T(ctx, "web.design.expiring"), Value: 86, Tone: ui.Warn},
		{Label: i18n.T(ctx, "web.design.revoked"), Value: 41, Tone: ui.Bad},
		{Label: i18n.T(ctx, "web.design.expired"), Value: 377},
	}
}

// pem is the shape of a certificate, not one.
func pem() string {
	line := "MIIBszCCAVmgAwIBAgIUQ2VydGlmaWNhdGUgc3BlY2ltZW4gb25seTAKBggqhkjO\n"
	return "-----BEGIN CERTIFICATE-----\n" + strings.Repeat(line, 9) + "-----END CERTIFICATE-----\n"
}
