package web

import (
	"context"
	"strings"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Applications are those with access to one account.
type Applications struct {
	Query ui.ListQuery
	Rows  []Application
	// Total is how many match the search, All how many there are.
	Total, All int
	Now        time.Time
}

// Application is one that somebody allowed something, or signed in to.
type Application struct {
	ID, Name string
	Scopes   oauth.Scopes
	// Since is the first time, Last the latest sign-in; zero when nothing of it
	// lives.
	Since, Last time.Time
	// SignIns are how many live.
	SignIns int
}

func (v Applications) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "applications", Caption: i18n.T(ctx, "identity.nav.applications"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.applications.name"), Sort: "name"}, {Label: i18n.T(ctx, "identity.applications.scopes")},
			{Label: i18n.T(ctx, "identity.applications.since"), Sort: "since"}, {Label: i18n.T(ctx, "identity.applications.last"), Sort: "last"},
			{Label: i18n.T(ctx, "web.table.actions"), Actions: true}},
		Empty: ui.Empty{Icon: "link", Title: i18n.T(ctx, "identity.applications.empty"), Text: i18n.T(ctx, "identity.applications.empty.text")}}
	if v.All > v.Query.Size || v.Query.Narrowed() {
		t.Search = i18n.T(ctx, "identity.applications.search")
	}
	for _, a := range v.Rows {
		t.Rows = append(t.Rows, v.row(ctx, a))
	}
	return t
}

func (v Applications) row(ctx context.Context, a Application) ui.Row {
	lost := []string{i18n.T(ctx, "identity.applications.lost.consent", "Name", a.Name)}
	if a.SignIns > 0 {
		lost = append(lost, i18n.T(ctx, "identity.applications.lost.sign_ins", "Number", a.SignIns))
	}
	if a.Scopes.Has(oauth.ScopeOffline) {
		lost = append(lost, i18n.T(ctx, "identity.applications.lost.offline"))
	}
	return ui.Row{ui.Text(a.Name), ui.Text(ScopeNames(ctx, a.Scopes)), ui.Time{At: a.Since, Now: v.Now}, ui.Time{At: a.Last, Now: v.Now},
		ui.Confirm{ID: "withdraw-" + a.ID, Open: ui.Button{Label: i18n.T(ctx, "identity.applications.withdraw") + "…", Small: true, Icon: "ban"},
			Title: i18n.T(ctx, "identity.applications.withdraw.title", "Name", a.Name), Text: i18n.T(ctx, "identity.applications.withdraw.text"),
			Lost: lost, Action: "/applications/" + a.ID + "/withdraw", Submit: i18n.T(ctx, "identity.applications.withdraw"), Danger: true}}
}

// ScopeNames are the readers' names of scopes.
func ScopeNames(ctx context.Context, list oauth.Scopes) string {
	names := make([]string, 0, len(list))
	for _, s := range list {
		names = append(names, ScopeName(ctx, s))
	}
	return i18n.List(ctx, names)
}

// ApplicationName is what people call an application: a service of the installation
// by its title in their language.
func ApplicationName(ctx context.Context, c *client.Client) string {
	if service, own := strings.CutPrefix(c.ID, client.OwnPrefix); own {
		if title, known := i18n.Lookup(ctx, service+".service.title"); known {
			return title
		}
	}
	return c.Name
}
