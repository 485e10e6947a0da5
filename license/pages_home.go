package license

import (
	"net/http"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
)

// What the start page shows.
const (
	homeRows   = 8
	homeEnding = 7 * 24 * time.Hour
)

func (p *pages) home(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := views.Home{Now: p.now(), May: may(r, adminRole)}
	var err error
	if v.Counts, err = p.Service.store.CardCounts(ctx, "", v.Now); err != nil {
		return err
	}
	ending := store.CardQuery{State: store.CardActive, EndFrom: v.Now, EndTo: v.Now.Add(homeEnding), Now: v.Now, Sort: "expires", Limit: homeRows}
	if v.Ending, v.AllEnding, err = p.Service.store.Cards(ctx, ending); err != nil {
		return err
	}
	if v.Mismatches, _, err = p.Service.store.Events(ctx, store.EventQuery{Kind: card.Mismatched, Limit: homeRows}); err != nil {
		return err
	}
	if v.Batches, _, err = p.Service.store.Batches(ctx, store.BatchQuery{Limit: homeRows}); err != nil {
		return err
	}
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.service.title"), Lead: i18n.T(ctx, "license.service.purpose"), Active: "/", Body: views.HomePage(v)})
}
