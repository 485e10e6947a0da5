package license

import (
	"context"
	"net/http"
	"strings"

	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

// downloads lists what went out for all cards.
func (p *pages) downloads(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"file", "prefix", "product", "customer", "from", "to"}})
	v := views.Downloads{Query: q, Now: p.now()}
	from, to := days(q, "from", "to")
	var err error
	v.Rows, v.Total, err = p.Service.store.Downloads(ctx, store.DownloadQuery{Product: q.Filter("product"), Customer: q.Filter("customer"), Prefix: strings.ToUpper(q.Filter("prefix")),
		File: q.Filter("file"), From: from, To: to, Limit: q.Size, Offset: q.Offset()})
	if err != nil {
		return err
	}
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	if v.Accounts, err = p.accountNames(ctx, v.Rows); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.downloads"), Lead: i18n.T(ctx, "license.downloads.lead"), Active: "/downloads", Body: views.DownloadsPage(v)})
}

// accountNames are what the accounts are called by which customers downloaded.
func (p *pages) accountNames(ctx context.Context, downloads []store.Download) (map[string]string, error) {
	names, asked := map[string]string{}, map[string]bool{"": true}
	for _, d := range downloads {
		if asked[d.Customer] {
			continue
		}
		asked[d.Customer] = true
		accounts, err := p.Service.store.Accounts(ctx, d.Customer)
		if err != nil {
			return nil, err
		}
		for _, a := range accounts {
			names[a.ID] = a.Name
		}
	}
	return names, nil
}
