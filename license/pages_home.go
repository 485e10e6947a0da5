package license

import (
	"context"
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
	// homeRefused is how far the list of refused machines looks back.
	homeRefused = 30 * 24 * time.Hour
	// homeDays and homeWeeks are how far the charts look back and ahead.
	homeDays  = 14
	homeWeeks = 12
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
	if v.Mismatches, _, err = p.Service.store.Mismatches(ctx, v.Now.Add(-homeRefused), time.Time{}, homeRows, 0); err != nil {
		return err
	}
	if _, v.Alarms, err = p.Service.store.Alarms(ctx, store.AlarmQuery{Open: true}); err != nil {
		return err
	}
	if v.Batches, _, err = p.Service.store.Batches(ctx, store.BatchQuery{Limit: homeRows}); err != nil {
		return err
	}
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	if err := p.charts(ctx, &v); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.service.title"), Lead: i18n.T(ctx, "license.service.purpose"), Active: "/", Body: views.HomePage(v)})
}

// charts counts what the charts of the start page show.
func (p *pages) charts(ctx context.Context, v *views.Home) (err error) {
	s, today := p.Service.store, v.Now.UTC().Truncate(24*time.Hour)
	v.From = today.AddDate(0, 0, 1-homeDays)
	if v.Activated, err = s.EventsPerDay(ctx, card.Activated, v.From, homeDays); err != nil {
		return err
	}
	if v.Refused, err = s.EventsPerDay(ctx, card.Mismatched, v.From, homeDays); err != nil {
		return err
	}
	if v.Calls, err = s.CallsPerDay(ctx, v.From, homeDays); err != nil {
		return err
	}
	v.Ends, err = s.EndsPerWeek(ctx, v.Now, homeWeeks)
	return err
}
