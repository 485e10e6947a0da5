package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Products are a page of the list of products.
type Products struct {
	Query ui.ListQuery
	Rows  []store.Product
	Total int
	// May says that the reader may make one.
	May bool
	Now time.Time
}

// Actions is the button that makes a product, for those who may.
func (v Products) Actions(ctx context.Context) []templ.Component {
	if !v.May {
		return nil
	}
	return []templ.Component{ui.Button{Label: i18n.T(ctx, "license.products.new"), URL: "/products/new", Icon: "plus", Primary: true}}
}

func (v Products) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "products", Caption: i18n.T(ctx, "license.nav.products"), Query: v.Query, Total: v.Total, Search: i18n.T(ctx, "license.products.search"),
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.name")}, {Label: i18n.T(ctx, "license.products.code")}, {Label: i18n.T(ctx, "license.note")},
			{Label: i18n.T(ctx, "license.made")}},
		Empty: ui.Empty{Icon: "ticket", Title: i18n.T(ctx, "license.products.empty"), Text: i18n.T(ctx, "license.products.empty.text")}}
	if v.May {
		t.Empty.Action = ui.Button{Label: i18n.T(ctx, "license.products.new"), URL: "/products/new", Icon: "plus"}
	}
	for _, one := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: one.Name, URL: "/products/" + one.ID}, ui.Mono(one.Code), ui.Text(one.Note), ui.Time{At: one.MadeAt, Now: v.Now}})
	}
	return t
}

func productLabels(ctx context.Context) map[string]string {
	return map[string]string{"code": i18n.T(ctx, "license.products.code"), "name": i18n.T(ctx, "license.name"), "note": i18n.T(ctx, "license.note"),
		"version": i18n.T(ctx, "license.releases.version")}
}

// Release is a version of a product with its handshake keys, the current one first.
type Release struct {
	store.Release
	Keys []store.HandshakeKey
}

// Product is a product as its page shows it.
type Product struct {
	store.Product
	Releases []Release
	Policies []store.Policy
	// Counts are its cards by state.
	Counts map[string]int
	// Change and Release are what was typed to change it, and for a new release.
	Change, Release *form.Form
	May             bool
	Now             time.Time
}

func (v Product) path() string { return "/products/" + v.ID }

func (v Product) terms(ctx context.Context) ui.Definitions {
	return ui.Definitions{{Name: i18n.T(ctx, "license.products.code"), Value: ui.Mono(v.Code), Copy: v.Code}, {Name: i18n.T(ctx, "license.id"), Value: ui.Mono(v.ID), Copy: v.ID},
		{Name: i18n.T(ctx, "license.made"), Value: ui.Time{At: v.MadeAt}}}
}

// cards are how many there are in each state that has some.
func (v Product) cards(ctx context.Context) ui.Definitions {
	var all ui.Definitions
	for _, state := range States() {
		if n := v.Counts[state]; n > 0 {
			all = append(all, ui.Term{Name: StateName(ctx, state), Value: ui.Link{Label: i18n.Number(ctx, n), URL: "/cards?product=" + v.ID + "&state=" + state}})
		}
	}
	return all
}

func (v Product) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "releases", Caption: i18n.T(ctx, "license.releases"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.releases.version")}, {Label: i18n.T(ctx, "license.releases.key")}, {Label: i18n.T(ctx, "license.releases.since")},
			{Label: i18n.T(ctx, "license.releases.retired"), Numeric: true}, {Label: i18n.T(ctx, "license.made")}},
		Empty: ui.Empty{Icon: "file", Title: i18n.T(ctx, "license.releases.empty"), Text: i18n.T(ctx, "license.releases.empty.text")}}
	if v.May {
		t.Columns = append(t.Columns, ui.Column{Label: i18n.T(ctx, "web.table.actions"), Actions: true})
	}
	for _, r := range v.Releases {
		current, retired := store.HandshakeKey{}, len(r.Keys)
		if len(r.Keys) > 0 && r.Keys[0].RetiredAt.IsZero() {
			current, retired = r.Keys[0], retired-1
		}
		row := ui.Row{ui.Group{ui.Link{Label: r.Version, URL: ReleasePath(r.Release)}, ui.Muted(r.Note)}, ui.Mono(current.ID), ui.Time{At: current.MadeAt, Now: v.Now}, ui.Text(i18n.Number(ctx, retired)),
			ui.Time{At: r.MadeAt, Now: v.Now}}
		if v.May {
			row = append(row, v.rotate(ctx, r))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (v Product) rotate(ctx context.Context, r Release) templ.Component {
	label := i18n.T(ctx, "license.releases.rotate")
	return ui.Confirm{ID: "rotate-" + r.ID, Open: ui.Button{Label: label + "…", Small: true, Icon: "refresh"},
		Title: i18n.T(ctx, "license.releases.rotate.title", "Version", r.Version), Text: i18n.T(ctx, "license.releases.rotate.text"),
		Action: v.path() + "/rotate", Hidden: []ui.Hidden{{Name: "version", Value: r.Version}}, Submit: label}
}
