package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/ca/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Home is what the start page shows.
type Home struct {
	Now    time.Time
	Checks []Check
	Counts store.Counts
	Days   []store.Day
	Ending []*store.Record
	Events []Event
	// Admin says that the reader may open the audit log.
	Admin bool
}

// Check is one line of the authority's health, in the reader's language.
type Check struct {
	Name string
	Tone ui.Tone
	// State is a word about it; Text says more, with advice if any.
	State, Text string
	// URL leads to where one can do something about it; may be empty.
	URL string
}

func (h Home) checks() ui.Definitions {
	list := make(ui.Definitions, 0, len(h.Checks))
	for _, c := range h.Checks {
		if c.URL == "/audit" && !h.Admin {
			c.URL = ""
		}
		list = append(list, ui.Term{Name: c.Name, Value: checkLine(c)})
	}
	return list
}

func (h Home) perDay(ctx context.Context) templ.Component {
	data := make([]ui.Datum, 0, len(h.Days))
	for _, d := range h.Days {
		data = append(data, ui.Datum{Label: shortDay(ctx, d.Start), Value: float64(d.Issued)})
	}
	return ui.BarChart{ID: "issued", Title: i18n.T(ctx, "ca.home.perday"), Unit: i18n.T(ctx, "ca.home.unit"), Data: data}
}

func (h Home) stats(ctx context.Context) []ui.Stat {
	return []ui.Stat{
		{Label: i18n.T(ctx, "ca.home.valid"), Value: i18n.Number(ctx, h.Counts.Valid), URL: "/certificates?status=valid"},
		{Label: i18n.T(ctx, "ca.home.expiring"), Value: i18n.Number(ctx, h.Counts.Expiring), Hint: i18n.T(ctx, "ca.home.expiring.hint"),
			Tone: toneIf(h.Counts.Expiring > 0, ui.Warn), URL: "/certificates?status=expiring&sort=not_after"},
		{Label: i18n.T(ctx, "ca.home.expired"), Value: i18n.Number(ctx, h.Counts.Expired), URL: "/certificates?status=expired"},
		{Label: i18n.T(ctx, "ca.home.revoked"), Value: i18n.Number(ctx, h.Counts.Revoked), URL: "/revocations"},
	}
}

func toneIf(yes bool, tone ui.Tone) ui.Tone {
	if yes {
		return tone
	}
	return ui.Neutral
}

// ending lists what ends soon. It is a whole list, so it has neither search nor
// pages.
func (h Home) ending(ctx context.Context) templ.Component {
	t := ui.Table{ID: "ending", Caption: i18n.T(ctx, "ca.home.ending"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "ca.col.name")}, {Label: i18n.T(ctx, "ca.col.profile")}, {Label: i18n.T(ctx, "ca.col.expires")}},
		Empty:   ui.Empty{Icon: "check", Title: i18n.T(ctx, "ca.home.ending.none"), Text: i18n.T(ctx, "ca.home.ending.none.text")}}
	for _, r := range h.Ending {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: Title(r), URL: URL(r)}, ui.Text(ProfileName(ctx, r.Profile)), ui.Time{At: r.NotAfter, Now: h.Now}})
	}
	return t
}

func (h Home) events(ctx context.Context) templ.Component {
	if len(h.Events) == 0 {
		return ui.Empty{Icon: "log", Title: i18n.T(ctx, "ca.home.events.none")}
	}
	return timeline(ctx, h.Events, h.Now)
}

// allEvents leads to the audit log who may open it.
func (h Home) allEvents(ctx context.Context) []templ.Component {
	if !h.Admin {
		return nil
	}
	return []templ.Component{ui.Button{Label: i18n.T(ctx, "ca.home.events.all"), URL: "/audit", Small: true, Quiet: true}}
}
