package web

import (
	"context"

	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// productTabs are the views of one product by where they are under it, in their order,
// with the catalogue keys of their names.
func productTabs() [][2]string {
	return [][2]string{
		{"", "license.product.overview"},
		{"/functions", "license.product.functions"},
		{"/transport", "license.product.transport"},
		{"/signing", "license.product.signing"},
	}
}

// ProductTabs lead between the views of a product; active is where this one is: "" or
// "/transport".
func ProductTabs(ctx context.Context, product, active string) ui.Tabs {
	t := ui.Tabs{Label: i18n.T(ctx, "license.product")}
	for _, tab := range productTabs() {
		t.Items = append(t.Items, ui.Tab{Label: i18n.T(ctx, tab[1]), URL: "/products/" + product + tab[0], Active: tab[0] == active})
	}
	return t
}
