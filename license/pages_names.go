package license

import (
	"context"

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
