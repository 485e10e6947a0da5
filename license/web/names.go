package web

import (
	"context"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Names are what products and policies are called.
type Names struct {
	Products []store.Product
	Policies []store.Policy
}

func (n Names) product(id string) string { return productName(n.Products, id) }

func (n Names) policy(id string) string {
	for _, one := range n.Policies {
		if one.ID == id {
			return one.Name
		}
	}
	return id
}

// begin is the first step towards cards that is still to be done: a product, a policy, a
// batch. It leads there who may do it.
func (n Names) begin(ctx context.Context, may bool) ui.Empty {
	e := ui.Empty{Icon: "ticket", Title: i18n.T(ctx, "license.products.empty"), Text: i18n.T(ctx, "license.products.empty.text")}
	b := ui.Button{Label: i18n.T(ctx, "license.products.new"), URL: "/products/new", Icon: "plus", Primary: true}
	switch {
	case len(n.Policies) > 0:
		e.Title, e.Text = i18n.T(ctx, "license.cards.empty"), i18n.T(ctx, "license.batches.empty.text")
		b.Label, b.URL = i18n.T(ctx, "license.batches.new"), "/batches/new"
	case len(n.Products) > 0:
		e.Title, e.Text = i18n.T(ctx, "license.policies.empty"), i18n.T(ctx, "license.policies.empty.text")
		b.Label, b.URL = i18n.T(ctx, "license.policies.new"), "/policies/new"
	}
	if may {
		e.Action = b
	}
	return e
}

// policies are those to choose from, of one product or of all.
func (n Names) policies(product string) []ui.Option {
	var list []ui.Option
	for _, one := range n.Policies {
		if product == "" || one.Product == product {
			list = append(list, ui.Option{Value: one.ID, Label: n.product(one.Product) + " – " + one.Name})
		}
	}
	return list
}

func customerOptions(all []store.Customer) []ui.Option {
	var list []ui.Option
	for _, one := range all {
		list = append(list, ui.Option{Value: one.ID, Label: one.Name})
	}
	return list
}
