package web

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Home is what the start page shows.
type Home struct {
	Names
	// Counts are the cards by state.
	Counts     map[string]int
	Ending     []store.Card
	AllEnding  int
	Alarms     int // that nobody has acknowledged
	Mismatches []store.Mismatches
	Batches    []store.Batch
	// Activated, Refused and Calls count by day from From on, Ends by week from Now on.
	From               time.Time
	Activated, Refused []int64
	Calls              map[string][]int64
	Ends               []int64
	May                bool
	Now                time.Time
}

// perDay draws a count for each day.
func (v Home) perDay(ctx context.Context, id, title, unit string, counts []int64) ui.BarChart {
	c := ui.BarChart{ID: id, Title: i18n.T(ctx, title), Unit: i18n.T(ctx, unit)}
	for i, n := range counts {
		c.Data = append(c.Data, ui.Datum{Label: shortDay(ctx, v.From.AddDate(0, 0, i)), Value: float64(n)})
	}
	return c
}

// calls are the requests of all kinds by day.
func (v Home) calls() []int64 {
	sums := make([]int64, len(v.Activated))
	for _, counts := range v.Calls {
		for day, n := range counts {
			sums[day] += n
		}
	}
	return sums
}

// kinds draws what the requests were.
func (v Home) kinds(ctx context.Context) ui.Donut {
	c := ui.Donut{ID: "kinds", Title: i18n.T(ctx, "license.home.kinds"), Unit: i18n.T(ctx, "license.home.calls.unit")}
	for _, call := range slices.Sorted(maps.Keys(v.Calls)) {
		sum := int64(0)
		for _, n := range v.Calls[call] {
			sum += n
		}
		c.Data = append(c.Data, ui.Datum{Label: callName(ctx, call), Value: float64(sum)})
	}
	return c
}

// states draws the cards by state.
func (v Home) states(ctx context.Context) ui.Donut {
	c := ui.Donut{ID: "states", Title: i18n.T(ctx, "license.home.states"), Unit: i18n.T(ctx, "license.nav.cards")}
	for _, state := range States() {
		if n := v.Counts[state]; n > 0 {
			c.Data = append(c.Data, ui.Datum{Label: StateName(ctx, state), Value: float64(n), Tone: stateTone(state)})
		}
	}
	return c
}

// ends draws how many cards end in each week, by its first day.
func (v Home) ends(ctx context.Context) ui.BarChart {
	c := ui.BarChart{ID: "ends", Title: i18n.T(ctx, "license.home.ends"), Unit: i18n.T(ctx, "license.nav.cards")}
	for i, n := range v.Ends {
		c.Data = append(c.Data, ui.Datum{Label: shortDay(ctx, v.Now.AddDate(0, 0, 7*i)), Value: float64(n)})
	}
	return c
}

// shortDay is a date without its year.
func shortDay(ctx context.Context, t time.Time) string {
	year := t.Format("2006")
	return strings.TrimPrefix(strings.TrimSuffix(i18n.Date(ctx, t), " "+year), year+"年")
}

// first is what to do while there are no cards.
func (v Home) stats(ctx context.Context) []ui.Stat {
	all := []ui.Stat{}
	for _, state := range States() {
		all = append(all, ui.Stat{Label: StateName(ctx, state), Value: i18n.Number(ctx, v.Counts[state]), URL: "/cards?state=" + state})
	}
	all = append(all, ui.Stat{Label: i18n.T(ctx, "license.home.alarms"), Value: i18n.Number(ctx, v.Alarms), URL: "/alarms?state=open"})
	return append(all, ui.Stat{Label: i18n.T(ctx, "license.home.ending"), Value: i18n.Number(ctx, v.AllEnding),
		URL: "/cards?state=active&end_from=" + v.Now.UTC().Format(time.DateOnly) + "&end_to=" + v.Now.UTC().AddDate(0, 0, 7).Format(time.DateOnly) + "&sort=expires"})
}

func (v Home) ending(ctx context.Context) ui.Table {
	t := ui.Table{ID: "ending", Caption: i18n.T(ctx, "license.home.ending"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.end")}},
		Empty:   ui.Empty{Icon: "check", Title: i18n.T(ctx, "license.home.none")}}
	for _, c := range v.Ending {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: c.Prefix + "-…", URL: CardPath(c.ID)}, ui.Text(v.product(c.Product)), ui.Time{At: c.ExpiresAt, Now: v.Now}})
	}
	return t
}

func (v Home) mismatches(ctx context.Context) ui.Table {
	t := ui.Table{ID: "mismatches", Caption: i18n.T(ctx, "license.home.mismatches"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.mismatches.count"), Numeric: true}, {Label: i18n.T(ctx, "license.mismatches.last")}},
		Empty:   ui.Empty{Icon: "check", Title: i18n.T(ctx, "license.home.none")}}
	for _, m := range v.Mismatches {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: m.Prefix + "-…", URL: CardPath(m.Card)}, ui.Text(i18n.Number(ctx, m.Count)), ui.Time{At: m.Last, Now: v.Now}})
	}
	return t
}

func (v Home) batches(ctx context.Context) ui.Table {
	t := Batches{Names: v.Names, Rows: v.Batches, Now: v.Now, Total: -1}.table(ctx)
	t.Filters = nil
	return t
}
