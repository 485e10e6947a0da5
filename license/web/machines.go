package web

import (
	"cmp"
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Machines are a page of the list of customers' machines.
type Machines struct {
	Names
	Query ui.ListQuery
	Rows  []store.Environment
	// Cards are those of the rows, by id.
	Cards map[string]store.Card
	Total int
	Now   time.Time
}

func (v Machines) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "machines", Caption: i18n.T(ctx, "license.nav.machines"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.state")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.cards.ip")},
			{Label: i18n.T(ctx, "license.machine.seen")}, {Label: i18n.T(ctx, "license.machine.last")}, {Label: i18n.T(ctx, "license.machine.bound")}},
		Filters: []ui.Filter{{Name: "ip", Label: i18n.T(ctx, "license.cards.ip"), Type: "text"}, {Name: "prefix", Label: i18n.T(ctx, "license.cards.prefix"), Type: "text"},
			{Name: "product", Label: i18n.T(ctx, "license.product"), Options: productOptions(v.Products)},
			{Name: "bound", Label: i18n.T(ctx, "license.state"), Options: []ui.Option{{Value: "yes", Label: i18n.T(ctx, "license.machine.is_bound")}}},
			{Name: "seen_from", Label: i18n.T(ctx, "license.machines.seen_from"), Type: "date"}, {Name: "seen_to", Label: i18n.T(ctx, "license.machines.seen_to"), Type: "date"}},
		Empty: ui.Empty{Icon: "device", Title: i18n.T(ctx, "license.machines.empty"), Text: i18n.T(ctx, "license.machines.empty.text")}}
	for _, e := range v.Rows {
		c := v.Cards[e.Card]
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: c.Prefix + "-…", URL: CardPath(e.Card)}, boundBadge(ctx, e), ui.Text(v.product(c.Product)), ui.Mono(cmp.Or(e.IP, "–")),
			ui.Time{At: e.SeenAt, Now: v.Now}, lastCall(ctx, e), ui.Time{At: e.BoundAt, DateOnly: true}})
	}
	return t
}

// boundBadge says whether a card is still bound to the machine.
func boundBadge(ctx context.Context, e store.Environment) templ.Component {
	if e.UnboundAt.IsZero() {
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "license.machine.is_bound")}
	}
	return ui.Badge{Label: i18n.T(ctx, "license.machine.was_bound")}
}

// Mismatches are a page of cards that other machines came with.
type Mismatches struct {
	Query ui.ListQuery
	Cards []CardMismatches
	Total int
	Now   time.Time
}

// CardMismatches is what other machines sent with one card.
type CardMismatches struct {
	store.Mismatches
	// Events are the last of them, Alarms how many alarms there were.
	Events []store.Event
	Alarms int
}

func (v Mismatches) table(ctx context.Context) ui.Table {
	return ui.Table{ID: "mismatches", Caption: i18n.T(ctx, "license.nav.mismatches"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.mismatches.count"), Numeric: true}, {Label: i18n.T(ctx, "license.mismatches.first")},
			{Label: i18n.T(ctx, "license.mismatches.last")}, {Label: i18n.T(ctx, "license.event.alarm")}, {Label: i18n.T(ctx, "license.part.sent")}},
		Filters: []ui.Filter{{Name: "from", Label: i18n.T(ctx, "license.mismatches.from"), Type: "date"}, {Name: "to", Label: i18n.T(ctx, "license.mismatches.to"), Type: "date"}},
		Rows:    v.rows(ctx),
		Empty:   ui.Empty{Icon: "check", Title: i18n.T(ctx, "license.mismatches.empty"), Text: i18n.T(ctx, "license.mismatches.empty.text")}}
}

func (v Mismatches) rows(ctx context.Context) []ui.Row {
	rows := make([]ui.Row, 0, len(v.Cards))
	for _, c := range v.Cards {
		alarms := ui.Badge{Label: i18n.T(ctx, "license.home.none")}
		if c.Alarms > 0 {
			alarms = ui.Badge{Tone: ui.Bad, Label: i18n.T(ctx, "license.mismatches.alarms", "Count", c.Alarms)}
		}
		rows = append(rows, ui.Row{ui.Link{Label: c.Prefix + "-…", URL: CardPath(c.Card)}, ui.Text(i18n.Number(ctx, c.Count)), ui.Time{At: c.First, Now: v.Now}, ui.Time{At: c.Last, Now: v.Now},
			alarms, c.last(ctx, v.Now)})
	}
	return rows
}

// last tells of the last mismatches of a card, folded.
func (c CardMismatches) last(ctx context.Context, now time.Time) templ.Component {
	card := Card{Events: c.Events, Now: now}
	return folded(i18n.T(ctx, "license.mismatches.show", "Count", len(c.Events)), card.timeline(ctx))
}
