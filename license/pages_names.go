package license

import (
	"context"

	"github.com/a-h/templ"

	views "guildhall/license/web"
)

// names are what products and policies are called; there are few of them.
func (p *pages) names(ctx context.Context) (n views.Names, err error) {
	if n.Products, err = p.Service.store.Products(ctx); err != nil {
		return n, err
	}
	n.Policies, err = p.Service.store.Policies(ctx, "")
	return n, err
}

// orBegin is the page of a form or, while there is nothing to choose from in it, one that
// leads to what makes it.
func orBegin(ready bool, n views.Names, page templ.Component) templ.Component {
	if ready {
		return page
	}
	return views.BeginPage(n)
}
