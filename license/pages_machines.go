package license

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

const (
	// mismatchCards are how many cards a page of mismatches has, and mismatchShown how many
	// mismatches of each it shows.
	mismatchCards = 10
	mismatchShown = 3
)

// machinePages names the pages of customers' machines.
func (p *pages) machinePages(looks map[string]page) {
	looks["GET /machines"] = p.machines
	looks["GET /mismatches"] = p.mismatches
}

func (p *pages) machines(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"ip", "prefix", "product", "bound", "seen_from", "seen_to"}})
	v := views.Machines{Query: q, Now: p.now()}
	from, to := days(q, "seen_from", "seen_to")
	var err error
	v.Rows, v.Total, err = p.Service.store.EnvironmentList(ctx, store.EnvironmentQuery{IP: canonical(q.Filter("ip")), Prefix: strings.ToUpper(q.Filter("prefix")), Product: q.Filter("product"),
		Bound: q.Filter("bound") == "yes", SeenFrom: from, SeenTo: to, Limit: q.Size, Offset: q.Offset()})
	if err != nil {
		return err
	}
	ids := make([]string, len(v.Rows))
	for i, e := range v.Rows {
		ids[i] = e.Card
	}
	if v.Cards, err = p.Service.store.CardsByID(ctx, ids); err != nil {
		return err
	}
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.machines"), Lead: i18n.T(ctx, "license.machines.lead"), Active: "/machines", Body: views.MachinesPage(v)})
}

// mismatches shows by card what other machines sent.
func (p *pages) mismatches(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Size: mismatchCards, Sizes: []int{mismatchCards, 25}, Filters: []string{"from", "to"}})
	v := views.Mismatches{Query: q, Now: p.now()}
	from, to := days(q, "from", "to")
	groups, total, err := p.Service.store.Mismatches(ctx, from, to, q.Size, q.Offset())
	if err != nil {
		return err
	}
	v.Total = total
	for _, g := range groups {
		one := views.CardMismatches{Mismatches: g}
		if one.Events, _, err = p.Service.store.Events(ctx, store.EventQuery{Card: g.Card, Kind: card.Mismatched, From: from, To: to, Limit: mismatchShown}); err != nil {
			return err
		}
		if _, one.Alarms, err = p.Service.store.Events(ctx, store.EventQuery{Card: g.Card, Kind: card.Alarm, From: from, To: to, Limit: 1}); err != nil {
			return err
		}
		v.Cards = append(v.Cards, one)
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.mismatches"), Lead: i18n.T(ctx, "license.mismatches.lead"), Active: "/mismatches", Body: views.MismatchesPage(v)})
}

// days are the first day of a filter and the end of the last; what is no day bounds nothing.
func days(q ui.ListQuery, from, to string) (first, end time.Time) {
	first, _ = time.Parse(time.DateOnly, q.Filter(from))
	if last, err := time.Parse(time.DateOnly, q.Filter(to)); err == nil {
		end = last.AddDate(0, 0, 1) // the day is in it
	}
	return first, end
}

// canonical is an address as it is recorded; what is none is found nowhere.
func canonical(ip string) string {
	if parsed, err := netip.ParseAddr(ip); err == nil {
		return parsed.Unmap().WithZone("").String()
	}
	return ip
}
