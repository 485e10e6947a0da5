package ca

import (
	"context"
	"net/http"
	"time"

	views "guildhall/ca/web"
	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
)

// What the start page shows.
const (
	homeDays   = 14
	homeEnding = 8
	homeEvents = 8
	homeWithin = 30 * 24 * time.Hour
)

func (p *pages) home(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	view, err := p.homeView(ctx)
	if err != nil {
		return err
	}
	view.Admin = may(r, adminRole)
	return p.show(w, r, false, web.Page{Title: i18n.T(ctx, "ca.home.title"), Lead: i18n.T(ctx, "ca.home.lead"), Active: "/",
		Actions: issueActions(r),
		Body:    views.HomePage(view)})
}

func (p *pages) homeView(ctx context.Context) (v views.Home, err error) {
	store := p.Certificates.Store
	v.Now = p.now()
	if v.Counts, err = store.Counts(ctx, v.Now); err != nil {
		return v, err
	}
	if v.Days, err = store.IssuedByDay(ctx, v.Now, homeDays); err != nil {
		return v, err
	}
	if v.Ending, err = p.Certificates.Ending(ctx, homeWithin, homeEnding); err != nil {
		return v, err
	}
	log, err := p.Audit.List(ctx, audit.Filter{Limit: homeEvents})
	if err != nil {
		return v, err
	}
	v.Events = p.named(ctx, log.Records)
	v.Checks = p.health(ctx, v.Now)
	return v, nil
}
