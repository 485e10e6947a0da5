package web

import (
	"cmp"
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// CustomerPath is where a customer's page is.
func CustomerPath(id string) string { return "/customers/" + id }

// Customers are a page of the list of customers.
type Customers struct {
	Query ui.ListQuery
	Rows  []store.Customer
	Total int
	May   bool
	Now   time.Time
}

// Actions is the button that makes a customer, for those who may.
func (v Customers) Actions(ctx context.Context) []templ.Component {
	if !v.May {
		return nil
	}
	return []templ.Component{ui.Button{Label: i18n.T(ctx, "license.customers.new"), URL: "/customers/new", Icon: "plus", Primary: true}}
}

func (v Customers) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "customers", Caption: i18n.T(ctx, "license.nav.customers"), Query: v.Query, Total: v.Total, Search: i18n.T(ctx, "license.customers.search"),
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.name"), Sort: "name"}, {Label: i18n.T(ctx, "license.customers.email")}, {Label: i18n.T(ctx, "license.note")},
			{Label: i18n.T(ctx, "license.nav.cards"), Sort: "cards", Numeric: true}, {Label: i18n.T(ctx, "license.made"), Sort: "made"}},
		Empty: ui.Empty{Icon: "users", Title: i18n.T(ctx, "license.customers.empty"), Text: i18n.T(ctx, "license.customers.empty.text")}}
	if v.May {
		t.Empty.Action = ui.Button{Label: i18n.T(ctx, "license.customers.new"), URL: "/customers/new", Icon: "plus"}
	}
	for _, c := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: c.Name, URL: CustomerPath(c.ID)}, ui.Text(c.Email), ui.Text(c.Note), ui.Text(i18n.Number(ctx, c.Cards)), ui.Time{At: c.MadeAt, Now: v.Now}})
	}
	return t
}

func customerLabels(ctx context.Context) map[string]string {
	return map[string]string{"name": i18n.T(ctx, "license.name"), "email": i18n.T(ctx, "license.customers.email"), "note": i18n.T(ctx, "license.note")}
}

// Customer is a customer as its page shows it.
type Customer struct {
	Names
	store.Customer
	Cards      []store.Card
	AllCards   int
	Batches    []store.Batch
	AllBatches int
	// Change is what was typed to change it.
	Change *form.Form
	May    bool
	Now    time.Time
}

func (v Customer) path() string { return CustomerPath(v.ID) }

func (v Customer) terms(ctx context.Context) ui.Definitions {
	return ui.Definitions{{Name: i18n.T(ctx, "license.customers.email"), Value: ui.Text(cmp.Or(v.Email, "–")), Copy: v.Email},
		{Name: i18n.T(ctx, "license.made"), Value: ui.Time{At: v.MadeAt}}, {Name: i18n.T(ctx, "license.id"), Value: ui.Mono(v.ID), Copy: v.ID}}
}

func (v Customer) cards(ctx context.Context) ui.Table {
	t := ui.Table{ID: "cards", Caption: i18n.T(ctx, "license.nav.cards"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.state")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.policy")},
			{Label: i18n.T(ctx, "license.end")}},
		Empty: ui.Empty{Icon: "key", Title: i18n.T(ctx, "license.customers.no_cards"), Text: i18n.T(ctx, "license.customers.no_cards.text")}}
	for _, c := range v.Cards {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: c.Prefix + "-…", URL: CardPath(c.ID)}, stateBadge(ctx, c, v.Now), ui.Text(v.product(c.Product)), ui.Text(v.policy(c.Policy)),
			ui.Time{At: lastDay(c), DateOnly: true}})
	}
	return t
}

// allCards leads to the list that has those which the page leaves out.
func (v Customer) allCards(ctx context.Context) []templ.Component {
	if v.AllCards == 0 {
		return nil
	}
	return []templ.Component{ui.Button{Label: i18n.T(ctx, "license.customers.all", "Count", v.AllCards), URL: "/cards?customer=" + v.ID, Small: true, Quiet: true}}
}

func (v Customer) batches(ctx context.Context) ui.Table {
	t := Batches{Names: v.Names, Rows: v.Batches, Now: v.Now, Total: -1}.table(ctx)
	t.Filters, t.Empty = nil, ui.Empty{Icon: "list", Title: i18n.T(ctx, "license.customers.no_batches")}
	return t
}
