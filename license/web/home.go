package web

import (
	"context"
	"time"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Home is what the start page shows.
type Home struct {
	Names
	// Counts are the cards by state.
	Counts     map[string]int
	Ending     []store.Card
	AllEnding  int
	Mismatches []store.Event
	Batches    []store.Batch
	May        bool
	Now        time.Time
}

// first is what to do while there are no cards.
func (v Home) first(ctx context.Context) ui.Empty {
	e := ui.Empty{Icon: "ticket", Title: i18n.T(ctx, "license.products.empty"), Text: i18n.T(ctx, "license.products.empty.text")}
	b := ui.Button{Label: i18n.T(ctx, "license.products.new"), URL: "/products/new", Icon: "plus", Primary: true}
	switch {
	case len(v.Products) > 0 && len(v.Policies) == 0:
		e.Title, e.Text = i18n.T(ctx, "license.policies.empty"), i18n.T(ctx, "license.policies.empty.text")
		b.Label, b.URL = i18n.T(ctx, "license.policies.new"), "/policies/new"
	case len(v.Policies) > 0:
		e.Title, e.Text = i18n.T(ctx, "license.cards.empty"), i18n.T(ctx, "license.batches.empty.text")
		b.Label, b.URL = i18n.T(ctx, "license.batches.new"), "/batches/new"
	}
	if v.May {
		e.Action = b
	}
	return e
}

func (v Home) stats(ctx context.Context) []ui.Stat {
	all := []ui.Stat{}
	for _, state := range States() {
		all = append(all, ui.Stat{Label: StateName(ctx, state), Value: i18n.Number(ctx, v.Counts[state]), URL: "/cards?state=" + state})
	}
	return append(all, ui.Stat{Label: i18n.T(ctx, "license.home.ending"), Value: i18n.Number(ctx, v.AllEnding)})
}

func (v Home) ending(ctx context.Context) ui.Table {
	t := ui.Table{ID: "ending", Caption: i18n.T(ctx, "license.home.ending"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.end")}},
		Empty:   ui.Empty{Icon: "check", Title: i18n.T(ctx, "license.home.none")}}
	for _, c := range v.Ending {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: c.Prefix + "-…", URL: CardPath(c.ID)}, ui.Text(v.product(c.Product)), ui.Time{At: c.ExpiresAt, Now: v.Now}})
	}
	return t
}

func (v Home) mismatches(ctx context.Context) ui.Table {
	t := ui.Table{ID: "mismatches", Caption: i18n.T(ctx, "license.home.mismatches"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.cards.ip")}, {Label: i18n.T(ctx, "license.home.at")}},
		Empty:   ui.Empty{Icon: "check", Title: i18n.T(ctx, "license.home.none")}}
	for _, e := range v.Mismatches {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: e.Card, URL: CardPath(e.Card)}, ui.Mono(e.IP), ui.Time{At: e.At, Now: v.Now}})
	}
	return t
}

func (v Home) batches(ctx context.Context) ui.Table {
	t := Batches{Names: v.Names, Rows: v.Batches, Now: v.Now, Total: -1}.table(ctx)
	t.Filters = nil
	return t
}
