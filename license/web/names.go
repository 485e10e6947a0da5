package web

import (
	"guildhall/license/internal/store"
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
