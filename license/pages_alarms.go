package license

import (
	"net/http"

	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

// alarmPages names the pages of alarms.
func (p *pages) alarmPages(looks, support map[string]page) {
	looks["GET /alarms"] = p.alarms
	support["POST /alarms/{id}/acknowledge"] = p.acknowledgeAlarm
}

func (p *pages) alarms(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"state"}})
	v := views.Alarms{Query: q, Now: p.now(), May: may(r, supportRole)}
	var err error
	if v.Rows, v.Total, err = p.Service.store.Alarms(ctx, store.AlarmQuery{Open: q.Filter("state") == "open", Limit: q.Size, Offset: q.Offset()}); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.alarms"), Lead: i18n.T(ctx, "license.alarms.lead"), Active: "/alarms", Body: views.AlarmsPage(v)})
}

func (p *pages) acknowledgeAlarm(w http.ResponseWriter, r *http.Request) error {
	_, err := p.Service.alarms.Acknowledge(r.Context(), r.PathValue("id"), caller(r))
	return p.did(w, r, err, "license.alarms.acknowledged", "/alarms")
}
