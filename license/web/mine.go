package web

import (
	"cmp"
	"context"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// MyCardPath is where a customer sees a card of his.
func MyCardPath(id string) string { return "/mine/cards/" + id }

// MyCard is a card with the machines that it is and was on.
type MyCard struct {
	store.Card
	Environments []store.Environment
}

// bound is the machine that the card is bound to; nil: none.
func (c MyCard) bound() *store.Environment { return Card{Environments: c.Environments}.bound() }

// Mine is what a customer has.
type Mine struct {
	Query     ui.ListQuery
	Products  []store.Product
	Customers []store.Customer
	Rows      []MyCard
	Total     int
	Now       time.Time
}

// Lead says whose things the page shows.
func (v Mine) Lead(ctx context.Context) string {
	names := make([]string, len(v.Customers))
	for i, c := range v.Customers {
		names[i] = c.Name
	}
	return i18n.List(ctx, names)
}

func (v Mine) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "mine", Caption: i18n.T(ctx, "license.nav.mine"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.state")}, {Label: i18n.T(ctx, "license.end")},
			{Label: i18n.T(ctx, "license.machine")}, {Label: i18n.T(ctx, "license.machine.seen")}},
		Empty: ui.Empty{Icon: "key", Title: i18n.T(ctx, "license.mine.empty"), Text: i18n.T(ctx, "license.mine.empty.text")}}
	if len(v.Customers) == 0 {
		t.Empty.Title, t.Empty.Text = i18n.T(ctx, "license.mine.nobody"), i18n.T(ctx, "license.mine.nobody.text")
	}
	for _, c := range v.Rows {
		row := ui.Row{ui.Link{Label: c.Prefix + "-…", URL: MyCardPath(c.ID)}, ui.Text(productName(v.Products, c.Product)), stateBadge(ctx, c.Card, v.Now), ui.Time{At: lastDay(c.Card), DateOnly: true}}
		if e := c.bound(); e != nil {
			row = append(row, ui.Mono(cmp.Or(e.IP, "–")), ui.Time{At: e.SeenAt, Now: v.Now})
		} else {
			row = append(row, ui.Text("–"), ui.Text("–"))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// MyCardDetail is a card as its customer sees it.
type MyCardDetail struct {
	MyCard
	Events []store.Event
	Moves  card.Moves
	// Rules are those of the policy.
	Rules policy.Policy
	// Files may be downloaded, unless NoFiles says why not.
	Files   []store.File
	NoFiles error
	// Form is what was typed to move it.
	Form *form.Form
	Now  time.Time
}

func (v MyCardDetail) terms(ctx context.Context) ui.Definitions {
	return ui.Definitions{{Name: i18n.T(ctx, "license.state"), Value: stateBadge(ctx, v.Card, v.Now)}, {Name: i18n.T(ctx, "license.cards.activated"), Value: ui.Time{At: v.ActivatedAt}},
		{Name: i18n.T(ctx, "license.end"), Value: ending(ctx, v.Card, v.Rules.Time)}}
}

func (v MyCardDetail) machine(ctx context.Context, e *store.Environment) ui.Definitions {
	return ui.Definitions{{Name: i18n.T(ctx, "license.cards.ip"), Value: ui.Mono(cmp.Or(e.IP, "–"))}, {Name: i18n.T(ctx, "license.machine.bound"), Value: ui.Time{At: e.BoundAt}},
		{Name: i18n.T(ctx, "license.machine.seen"), Value: ui.Time{At: e.SeenAt, Now: v.Now}}, {Name: i18n.T(ctx, "license.machine.id"), Value: ui.Mono(e.ID), Copy: e.ID}}
}

// mayMove says whether the card can be moved now.
func (v MyCardDetail) mayMove() bool {
	return v.bound() != nil && v.State == store.CardActive && v.Moves.PerYear > 0 && v.Moves.Next.IsZero()
}

// moves says how often the card can still be moved, or when again.
func (v MyCardDetail) moves(ctx context.Context) string {
	switch {
	case v.Moves.PerYear == 0:
		return i18n.T(ctx, "license.mine.move.never")
	case v.State != store.CardActive:
		return i18n.T(ctx, "license.mine.move.state")
	case !v.Moves.Next.IsZero():
		return i18n.T(ctx, "license.mine.move.next", "Used", v.Moves.Used, "Most", v.Moves.PerYear, "At", i18n.DateTime(ctx, v.Moves.Next))
	}
	return i18n.T(ctx, "license.mine.move.used", "Used", v.Moves.Used, "Most", v.Moves.PerYear)
}

func (v MyCardDetail) move(ctx context.Context) ui.Confirm {
	return ui.Confirm{ID: "unbind", Open: ui.Button{Label: i18n.T(ctx, "license.mine.move") + "…", Icon: "device"}, Title: i18n.T(ctx, "license.mine.move.title"),
		Text: i18n.T(ctx, "license.mine.move.text"), Lost: []string{i18n.T(ctx, "license.mine.move.lost")}, Action: MyCardPath(v.ID) + "/unbind",
		Submit: i18n.T(ctx, "license.mine.move"), Danger: true, Form: v.Form, Fields: myReason(v.Form)}
}

// files are what the customer may download.
func (v MyCardDetail) files(ctx context.Context) ui.Table {
	t := ui.Table{ID: "files", Caption: i18n.T(ctx, "license.mine.files"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.name")}, {Label: i18n.T(ctx, "license.version")}, {Label: i18n.T(ctx, "license.files.size"), Numeric: true}, {Label: "SHA-256"}},
		Empty:   ui.Empty{Icon: "file", Title: i18n.T(ctx, "license.mine.files.none")}}
	for _, f := range v.Files {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: f.Name, URL: MyCardPath(v.ID) + "/files/" + f.ID}, ui.Text(f.Version), ui.Text(i18n.Bytes(ctx, f.Size)), ui.Mono(f.SHA256)})
	}
	return t
}

// before are the machines that the card was on.
func (v MyCardDetail) before(ctx context.Context) ui.Table {
	t := ui.Table{ID: "before", Caption: i18n.T(ctx, "license.mine.before"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.cards.ip")}, {Label: i18n.T(ctx, "license.machine.bound")}, {Label: i18n.T(ctx, "license.mine.until")}},
		Empty:   ui.Empty{Icon: "device", Title: i18n.T(ctx, "license.mine.before.none")}}
	for _, e := range v.Environments {
		if !e.UnboundAt.IsZero() {
			t.Rows = append(t.Rows, ui.Row{ui.Mono(cmp.Or(e.IP, "–")), ui.Time{At: e.BoundAt, DateOnly: true}, ui.Time{At: e.UnboundAt, DateOnly: true}})
		}
	}
	return t
}

// history is what concerns the customer of what happened to the card. What the vendor's
// people wrote, and where other machines are, is not for him.
func (v MyCardDetail) history(ctx context.Context) ui.Timeline {
	t := ui.Timeline{Now: v.Now}
	for _, e := range v.Events {
		event := ui.Event{At: e.At, Tone: eventTone(e.Kind), Title: ui.Text(i18n.T(ctx, "license.event."+e.Kind))}
		switch e.Kind {
		case card.Activated, card.Bound:
			event.Text = e.IP
		case card.Unbound:
			event.Text = i18n.T(ctx, "license.mine.by_vendor")
			if self, _ := e.Detail["self"].(bool); self {
				event.Text, _ = e.Detail["reason"].(string)
			}
		case card.Downloaded:
			event.Text, _ = e.Detail["name"].(string)
		case card.Suspended, card.Resumed, card.Revoked, card.Extended, card.Drifted, card.Mismatched:
		default:
			continue
		}
		t.Events = append(t.Events, event)
	}
	return t
}

// MyLicences are the offline licences of a customer.
type MyLicences struct {
	Query    ui.ListQuery
	Products []store.Product
	Rows     []store.Licence
	Total    int
	Now      time.Time
}

func (v MyLicences) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "licences", Caption: i18n.T(ctx, "license.nav.offline"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.offline.company")}, {Label: i18n.T(ctx, "license.offline.issued")},
			{Label: i18n.T(ctx, "license.end")}, {Label: i18n.T(ctx, "web.table.actions"), Actions: true}},
		Empty: ui.Empty{Icon: "file", Title: i18n.T(ctx, "license.mine.offline.empty"), Text: i18n.T(ctx, "license.mine.offline.empty.text")}}
	for _, l := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Text(productName(v.Products, l.Product)), ui.Group{ui.Text(l.Company), ui.Muted(l.Contact)}, ui.Time{At: l.IssuedAt, Now: v.Now},
			ui.Time{At: l.ExpiresAt.Add(-time.Second), DateOnly: true}, ui.Button{Label: i18n.T(ctx, "license.offline.download"), URL: "/mine/licences/" + l.ID + "/text", Small: true, Icon: "download"}})
	}
	return t
}
