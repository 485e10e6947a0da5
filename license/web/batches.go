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

// Batches are a page of the list of batches.
type Batches struct {
	Names
	Query ui.ListQuery
	Rows  []store.Batch
	Total int
	May   bool
	Now   time.Time
}

func (v Batches) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "batches", Caption: i18n.T(ctx, "license.nav.batches"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.made")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.policy")},
			{Label: i18n.T(ctx, "license.nav.cards"), Numeric: true}, {Label: i18n.T(ctx, "license.note")}, {Label: i18n.T(ctx, "license.batches.keys")}},
		Filters: []ui.Filter{{Name: "product", Label: i18n.T(ctx, "license.product"), Options: productOptions(v.Products)}},
		Empty:   ui.Empty{Icon: "list", Title: i18n.T(ctx, "license.batches.empty"), Text: i18n.T(ctx, "license.batches.empty.text")}}
	switch {
	case len(v.Policies) == 0:
		t.Empty = v.begin(ctx, v.May)
	case v.May:
		t.Empty.Action = ui.Button{Label: i18n.T(ctx, "license.batches.new"), URL: "/batches/new", Icon: "plus"}
	}
	for _, b := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: i18n.DateTime(ctx, b.MadeAt), URL: "/batches/" + b.ID}, ui.Text(v.product(b.Product)), ui.Text(v.policy(b.Policy)),
			ui.Text(i18n.Number(ctx, b.Wanted)), ui.Text(b.Note), exportBadge(ctx, b)})
	}
	return t
}

// exportBadge says what is with the keys of a batch.
func exportBadge(ctx context.Context, b store.Batch) templ.Component {
	switch {
	case b.Made < b.Wanted:
		return ui.Badge{Tone: ui.Info, Label: i18n.T(ctx, "license.batches.making")}
	case b.ExportedAt.IsZero():
		return ui.Badge{Tone: ui.Warn, Label: i18n.T(ctx, "license.batches.waiting")}
	}
	return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "license.batches.exported")}
}

// NewBatch is an order that is being filled in.
type NewBatch struct {
	Names
	Form      *form.Form
	Customers []store.Customer
}

func batchLabels(ctx context.Context) map[string]string {
	return map[string]string{"policy": i18n.T(ctx, "license.policy"), "customer": i18n.T(ctx, "license.customer"), "count": i18n.T(ctx, "license.batches.count"),
		"days": i18n.T(ctx, "license.policy.days"), "ends_at": i18n.T(ctx, "license.batches.ends"), "note": i18n.T(ctx, "license.note")}
}

// Batch is a batch as its page shows it.
type Batch struct {
	Names
	store.Batch
	Customer store.Customer
	// Again is for how long after the first one an export can be repeated.
	Again time.Duration
	// ConfirmURL is where the reader shows who he is, when that was too long ago.
	ConfirmURL string
	May        bool
	Now        time.Time
}

// gone says that the keys are kept nowhere any more.
func (v Batch) gone() bool { return !v.ExportedAt.IsZero() && !v.Now.Before(v.ExportedAt.Add(v.Again)) }

func (v Batch) terms(ctx context.Context) ui.Definitions {
	all := ui.Definitions{{Name: i18n.T(ctx, "license.product"), Value: ui.Link{Label: v.product(v.Product), URL: "/products/" + v.Product}},
		{Name: i18n.T(ctx, "license.policy"), Value: ui.Link{Label: v.policy(v.Policy), URL: "/policies/" + v.Policy}}}
	if v.Customer.ID != "" {
		all = append(all, ui.Term{Name: i18n.T(ctx, "license.customer"), Value: ui.Link{Label: v.Customer.Name, URL: CustomerPath(v.Customer.ID)}})
	}
	if v.Days > 0 {
		all = append(all, ui.Term{Name: i18n.T(ctx, "license.policy.days"), Value: ui.Text(i18n.Number(ctx, v.Days))})
	}
	if !v.EndsAt.IsZero() {
		all = append(all, ui.Term{Name: i18n.T(ctx, "license.end"), Value: ui.Time{At: v.EndsAt}})
	}
	return append(all, ui.Term{Name: i18n.T(ctx, "license.made"), Value: ui.Time{At: v.MadeAt}},
		ui.Term{Name: i18n.T(ctx, "license.batches.keys"), Value: exportBadge(ctx, v.Batch)}, ui.Term{Name: i18n.T(ctx, "license.id"), Value: ui.Mono(v.ID), Copy: v.ID})
}
