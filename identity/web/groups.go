package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Groups are the groups as administrators see them.
type Groups struct {
	Query ui.ListQuery
	Rows  []group.Group
	Total int
	// May says that the reader may change something.
	May bool
	Now time.Time
}

func (v Groups) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "groups", Caption: i18n.T(ctx, "identity.groups"), Query: v.Query, Total: v.Total, Search: i18n.T(ctx, "identity.groups.search"),
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.groups.name"), Sort: store.GroupsByName}, {Label: i18n.T(ctx, "identity.groups.description")},
			{Label: i18n.T(ctx, "identity.groups.source")}, {Label: i18n.T(ctx, "identity.groups.members"), Sort: store.GroupsByMembers, Numeric: true},
			{Label: i18n.T(ctx, "identity.users.created"), Sort: store.GroupsByTime}},
		Filters: []ui.Filter{{Name: "source", Label: i18n.T(ctx, "identity.groups.source"), Options: []ui.Option{
			{Value: store.SourceLocal, Label: i18n.T(ctx, "identity.groups.local")}, {Value: store.SourceDirectory, Label: i18n.T(ctx, "identity.groups.directory")}}}},
		Empty: ui.Empty{Icon: "users", Title: i18n.T(ctx, "identity.groups.empty"), Text: i18n.T(ctx, "identity.groups.empty.text")}}
	if v.May {
		t.Empty.Action = ui.Button{Label: i18n.T(ctx, "identity.groups.new"), URL: "/admin/groups/new", Icon: "plus"}
	}
	for _, g := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: g.Name, URL: "/admin/groups/" + g.ID}, ui.Text(g.Description), ui.Text(sourceName(ctx, g)),
			ui.Text(i18n.Number(ctx, int64(g.Members))), ui.Time{At: g.MadeAt, Now: v.Now}})
	}
	return t
}

func sourceName(ctx context.Context, g group.Group) string {
	if g.Directory {
		return i18n.T(ctx, "identity.groups.directory")
	}
	return i18n.T(ctx, "identity.groups.local")
}

// Group is a group as administrators see it.
type Group struct {
	group.Group
	// Members are a page of its members, Total how many there are in all pages.
	Members []*account.Account
	Total   int
	Query   ui.ListQuery
	Roles   []Role
	// OtherRoles are those to choose from.
	OtherRoles []ui.Option
	// Change and Add are what was typed to change it and to add a member.
	Change, Add *form.Form
	// Path is where the page is, May says that the reader may change something.
	Path string
	May  bool
	Now  time.Time
}

// changes says whether the reader may change its name and members.
func (v Group) changes() bool { return v.May && !v.Directory }

func (v Group) terms(ctx context.Context) ui.Definitions {
	return ui.Definitions{{Name: i18n.T(ctx, "identity.groups.id"), Value: ui.Mono(v.ID), Copy: v.ID},
		{Name: i18n.T(ctx, "identity.groups.source"), Value: ui.Text(sourceName(ctx, v.Group))},
		{Name: i18n.T(ctx, "identity.users.created"), Value: ui.Time{At: v.MadeAt}}}
}

func (v Group) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "members", Caption: i18n.T(ctx, "identity.groups.members"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.field.name"), Sort: store.AccountsByName}, {Label: i18n.T(ctx, "identity.field.email"), Sort: store.AccountsByEmail},
			{Label: i18n.T(ctx, "identity.users.state")}},
		Empty: ui.Empty{Icon: "user", Title: i18n.T(ctx, "identity.groups.members.none")}}
	if v.Group.Members > 0 {
		t.Search = i18n.T(ctx, "identity.users.search")
	}
	if v.changes() {
		t.Columns = append(t.Columns, ui.Column{Label: i18n.T(ctx, "web.table.actions"), Actions: true})
		t.Empty.Text = i18n.T(ctx, "identity.groups.members.none.text")
	}
	for _, a := range v.Members {
		row := ui.Row{ui.Link{Label: a.Name, URL: "/admin/users/" + a.ID}, ui.Text(a.Email), stateBadge(ctx, a)}
		if v.changes() {
			row = append(row, v.drop(ctx, a))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (v Group) drop(ctx context.Context, a *account.Account) templ.Component {
	return ui.Confirm{ID: "drop-" + a.ID, Open: ui.Button{Label: i18n.T(ctx, "identity.groups.leave") + "…", Small: true, Icon: "x"},
		Title: i18n.T(ctx, "identity.groups.leave.title", "Group", v.Name), Text: i18n.T(ctx, "identity.groups.leave.text", "Name", a.Name), Lost: v.roleLabels(),
		Action: v.Path + "/members/" + a.ID + "/drop", Submit: i18n.T(ctx, "identity.groups.leave"), Danger: true}
}

func (v Group) take(ctx context.Context, r Role) templ.Component {
	return ui.Confirm{ID: "take-" + r.Name, Open: ui.Button{Label: i18n.T(ctx, "identity.roles.take") + "…", Small: true, Icon: "x"},
		Title: i18n.T(ctx, "identity.roles.take.title", "Role", r.Label), Text: i18n.T(ctx, "identity.groups.roles.take.text"),
		Action: v.Path + "/roles/" + r.Name + "/take", Submit: i18n.T(ctx, "identity.roles.take"), Danger: true}
}

func (v Group) remove(ctx context.Context) templ.Component {
	lost := []string{}
	if v.Group.Members > 0 {
		lost = append(lost, i18n.T(ctx, "identity.groups.lost.members", "Count", v.Group.Members))
	}
	for _, label := range v.roleLabels() {
		lost = append(lost, i18n.T(ctx, "identity.groups.lost.role", "Role", label))
	}
	label := i18n.T(ctx, "identity.groups.remove")
	return ui.Confirm{ID: "remove", Open: ui.Button{Label: label + "…", Icon: "trash"}, Title: i18n.T(ctx, "identity.groups.remove.title", "Name", v.Name),
		Text: i18n.T(ctx, "identity.groups.remove.text"), Lost: lost, Action: v.Path + "/remove", Submit: label, Danger: true}
}

func (v Group) roleLabels() []string {
	labels := make([]string, len(v.Roles))
	for i, r := range v.Roles {
		labels[i] = r.Label
	}
	return labels
}

func groupLabels(ctx context.Context) map[string]string {
	return map[string]string{"name": i18n.T(ctx, "identity.groups.name"), "description": i18n.T(ctx, "identity.groups.description"),
		"who": i18n.T(ctx, "identity.groups.who")}
}
