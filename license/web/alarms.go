package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/audit/logpage"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Alarms are a page of the list of alarms.
type Alarms struct {
	Query ui.ListQuery
	Rows  []store.Alarm
	Total int
	May   bool
	Now   time.Time
}

func (v Alarms) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "alarms", Caption: i18n.T(ctx, "license.nav.alarms"), Query: v.Query, Total: v.Total,
		Filters: []ui.Filter{{Name: "state", Label: i18n.T(ctx, "license.state"), Options: []ui.Option{{Value: "open", Label: i18n.T(ctx, "license.alarms.open")}}}},
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.alarms.what")}, {Label: i18n.T(ctx, "license.alarms.about")}, {Label: i18n.T(ctx, "license.alarms.count"), Numeric: true},
			{Label: i18n.T(ctx, "license.alarms.first")}, {Label: i18n.T(ctx, "license.mismatches.last")}, {Label: i18n.T(ctx, "license.state")}},
		Empty: ui.Empty{Icon: "check", Title: i18n.T(ctx, "license.alarms.empty"), Text: i18n.T(ctx, "license.alarms.empty.text")}}
	for _, a := range v.Rows {
		var about templ.Component = ui.Mono(a.IP)
		if a.Card != "" {
			about = ui.Link{Label: a.Prefix + "-…", URL: CardPath(a.Card)}
		}
		t.Rows = append(t.Rows, ui.Row{ui.Text(alarmName(ctx, a.Kind)), about, ui.Text(i18n.Number(ctx, a.Count)), ui.Time{At: a.At, Now: v.Now}, ui.Time{At: a.LastAt, Now: v.Now}, v.state(ctx, a)})
	}
	return t
}

// state is who has looked, or how to say so.
func (v Alarms) state(ctx context.Context, a store.Alarm) templ.Component {
	switch {
	case !a.AcknowledgedAt.IsZero():
		return ui.Text(i18n.T(ctx, "license.alarms.by", "Who", logpage.Called(ctx, a.AcknowledgedBy), "When", i18n.DateTime(ctx, a.AcknowledgedAt)))
	case v.May:
		return acknowledgeAlarm(a.ID)
	}
	return ui.Badge{Tone: ui.Warn, Label: i18n.T(ctx, "license.alarms.open")}
}

func alarmName(ctx context.Context, kind string) string {
	switch kind {
	case store.AlarmFingerprints:
		return i18n.T(ctx, "license.alarms.fingerprints")
	case store.AlarmMismatches:
		return i18n.T(ctx, "license.alarms.mismatches")
	case store.AlarmStrangers:
		return i18n.T(ctx, "license.alarms.strangers")
	}
	return i18n.T(ctx, "license.alarms.guesses")
}
