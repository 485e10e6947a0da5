package web

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/card"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Cards are a page of the list of cards.
type Cards struct {
	Names
	Query ui.ListQuery
	Rows  []store.Card
	Total int
	// Customers are those to choose from, Batch is the one whose cards are listed, if it is one.
	Customers []store.Customer
	Batch     store.Batch
	// Find is the key that was looked for; nil: none.
	Find *form.Form
	// KeyTyped says that a whole key was typed where it comes into an address.
	KeyTyped bool
	// May says that the reader orders batches, Acts that he does things to cards.
	May, Acts bool
	Now       time.Time
}

// Actions is the dialog that finds a card by its whole key.
func (v Cards) Actions(ctx context.Context) []templ.Component {
	label := i18n.T(ctx, "license.cards.find")
	return []templ.Component{ui.Confirm{ID: "find", Open: ui.Button{Label: label + "…", Icon: "search"}, Title: label, Text: i18n.T(ctx, "license.cards.find.text"),
		Action: "/cards/find", Submit: i18n.T(ctx, "license.cards.find.do"), Form: v.Find, Fields: wholeKey(v.Find)}}
}

// lookups are questions that are asked often.
func (v Cards) lookups(ctx context.Context) []ui.Link {
	day := func(days int) string { return v.Now.UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	return []ui.Link{
		{Label: i18n.T(ctx, "license.lookup.ending"), URL: "/cards?state=active&end_from=" + day(0) + "&end_to=" + day(7) + "&sort=expires"},
		{Label: i18n.T(ctx, "license.lookup.made"), URL: "/cards?made_from=" + day(0)},
		{Label: i18n.T(ctx, "license.lookup.suspended"), URL: "/cards?state=" + store.CardSuspended},
		{Label: i18n.T(ctx, "license.lookup.seen"), URL: "/machines?seen_from=" + day(0)},
		{Label: i18n.T(ctx, "license.lookup.mismatches"), URL: "/mismatches?from=" + day(0)},
	}
}

// CardPath is where a card's page is.
func CardPath(id string) string { return "/cards/" + id }

// stateOf is the state that people are told.
func stateOf(c store.Card, now time.Time) string {
	switch {
	case !c.DeletedAt.IsZero():
		return Binned
	case c.State == store.CardActive && !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(now):
		return Expired
	}
	return c.State
}

func stateBadge(ctx context.Context, c store.Card, now time.Time) ui.Badge {
	state := stateOf(c, now)
	return ui.Badge{Tone: stateTone(state), Label: StateName(ctx, state)}
}

func (v Cards) table(ctx context.Context) ui.Table {
	states := make([]ui.Option, 0, len(States()))
	for _, state := range States() {
		states = append(states, ui.Option{Value: state, Label: StateName(ctx, state)})
	}
	t := ui.Table{ID: "cards", Caption: i18n.T(ctx, "license.nav.cards"), Query: v.Query, Total: v.Total, Search: i18n.T(ctx, "license.cards.search"),
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.state")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.policy")},
			{Label: i18n.T(ctx, "license.note")}, {Label: i18n.T(ctx, "license.cards.activated"), Sort: "activated"}, {Label: i18n.T(ctx, "license.end"), Sort: "expires"},
			{Label: i18n.T(ctx, "license.made"), Sort: "made"}},
		Filters: []ui.Filter{{Name: "state", Label: i18n.T(ctx, "license.state"), Options: states}, {Name: "product", Label: i18n.T(ctx, "license.product"), Options: productOptions(v.Products)},
			{Name: "policy", Label: i18n.T(ctx, "license.policy"), Options: v.policies(v.Query.Filter("product"))},
			{Name: "prefix", Label: i18n.T(ctx, "license.cards.prefix"), Type: "text"}, {Name: "ip", Label: i18n.T(ctx, "license.cards.ip"), Type: "text"},
			{Name: "end_from", Label: i18n.T(ctx, "license.cards.end_from"), Type: "date"}, {Name: "end_to", Label: i18n.T(ctx, "license.cards.end_to"), Type: "date"},
			{Name: "made_from", Label: i18n.T(ctx, "license.cards.made_from"), Type: "date"}, {Name: "made_to", Label: i18n.T(ctx, "license.cards.made_to"), Type: "date"}},
		Empty: v.begin(ctx, v.May)}
	if len(v.Customers) > 0 || v.Query.Filter("customer") != "" {
		t.Filters = append(t.Filters, ui.Filter{Name: "customer", Label: i18n.T(ctx, "license.customer"), Options: customerOptions(v.Customers)})
	}
	if v.Query.Filter("batch") != "" {
		t.Filters = append(t.Filters, ui.Filter{Name: "batch", Label: i18n.T(ctx, "license.batch"), Options: v.batch(ctx)})
	}
	for _, c := range v.Rows {
		var name templ.Component = ui.Link{Label: c.Prefix + "-…", URL: CardPath(c.ID)}
		if v.Acts {
			name = chosen(c, len(t.Rows) == 0, v.Query.Query(), name)
		}
		t.Rows = append(t.Rows, ui.Row{name, stateBadge(ctx, c, v.Now), ui.Text(v.product(c.Product)), ui.Text(v.policy(c.Policy)),
			ui.Text(c.Note), ui.Time{At: c.ActivatedAt, Now: v.Now}, ui.Time{At: lastDay(c), DateOnly: true}, ui.Time{At: c.MadeAt, Now: v.Now}})
	}
	return t
}

// batch is the one whose cards are listed, to be left again.
func (v Cards) batch(ctx context.Context) []ui.Option {
	if v.Batch.ID == "" {
		return nil
	}
	return []ui.Option{{Value: v.Batch.ID, Label: i18n.DateTime(ctx, v.Batch.MadeAt) + " – " + v.policy(v.Batch.Policy)}}
}

// lastDay is within the last day of a card, as far as that is known: of one that is good
// until midnight it is the day before.
func lastDay(c store.Card) time.Time {
	at := c.ExpiresAt
	if at.IsZero() {
		at = c.EndsAt
	}
	if at.IsZero() {
		return at
	}
	return at.Add(-time.Second)
}

// ending is when a card ends, or from when that will be counted.
func ending(ctx context.Context, c store.Card, t policy.Time) templ.Component {
	switch at := lastDay(c); {
	case !at.IsZero():
		return ui.Time{At: at}
	case !c.ActivatedAt.IsZero(), t.Mode == policy.Until:
		return ui.Text(i18n.T(ctx, "license.end.none"))
	}
	return ui.Text(i18n.T(ctx, "license.end.counted", "Count", cmp.Or(c.Days, t.Days)))
}

// Card is a card as its page shows it.
type Card struct {
	Names
	store.Card
	Customer     store.Customer
	Environments []store.Environment
	Events       []store.Event
	AllEvents    int
	Usage        []store.Use
	Moves        card.Moves
	// Customers are those to choose from, and those that the time line names.
	Customers []store.Customer
	// Dialog is the one whose Form was refused.
	Dialog string
	Form   *form.Form
	May    bool
	Now    time.Time
}

// form is what stands in the form of a dialog: what was typed, or what holds now.
func (v Card) form(dialog string) *form.Form {
	switch {
	case v.Dialog == dialog:
		return v.Form
	case dialog == "change":
		return form.New("policy", v.Policy, "customer", v.Card.Customer, "note", v.Note)
	case dialog == "modules" && v.Modules != nil:
		return form.New("own", "on", "modules", strings.Join(v.Modules, "\n"))
	}
	return nil
}

// rules are those of the card's policy.
func (v Card) rules() (rules policy.Policy) {
	for _, one := range v.Policies {
		if one.ID == v.Policy {
			rules, _ = policy.Parse([]byte(one.Body)) // it was checked when it was saved
		}
	}
	return rules
}

// unbound says that a card is on no machine, and what changes that.
func unbound(ctx context.Context, c store.Card) string {
	if c.State == store.CardRevoked {
		return i18n.T(ctx, "license.machine.none.revoked")
	}
	return i18n.T(ctx, "license.machine.none")
}

// Badge is the card's state.
func (v Card) Badge(ctx context.Context) templ.Component { return stateBadge(ctx, v.Card, v.Now) }

func (v Card) terms(ctx context.Context) ui.Definitions {
	all := ui.Definitions{{Name: i18n.T(ctx, "license.state"), Value: v.Badge(ctx)},
		{Name: i18n.T(ctx, "license.product"), Value: ui.Link{Label: v.product(v.Product), URL: "/products/" + v.Product}},
		{Name: i18n.T(ctx, "license.policy"), Value: ui.Link{Label: v.policy(v.Policy), URL: "/policies/" + v.Policy}}}
	if v.Batch != "" {
		all = append(all, ui.Term{Name: i18n.T(ctx, "license.batch"), Value: ui.Link{Label: i18n.Date(ctx, v.MadeAt), URL: "/batches/" + v.Batch}})
	}
	if v.Customer.ID != "" {
		all = append(all, ui.Term{Name: i18n.T(ctx, "license.customer"), Value: ui.Link{Label: v.Customer.Name, URL: CustomerPath(v.Customer.ID)}})
	}
	if v.Days > 0 {
		all = append(all, ui.Term{Name: i18n.T(ctx, "license.policy.days"), Value: ui.Text(i18n.Number(ctx, v.Days))})
	}
	if v.Modules != nil {
		all = append(all, ui.Term{Name: i18n.T(ctx, "license.cards.modules"), Value: ui.Text(cmp.Or(strings.Join(v.Modules, ", "), i18n.T(ctx, "license.cards.modules.none")))})
	}
	all = append(all, ui.Term{Name: i18n.T(ctx, "license.cards.moves"), Value: ui.Text(v.moved(ctx))})
	return append(all, ui.Term{Name: i18n.T(ctx, "license.cards.activated"), Value: ui.Time{At: v.ActivatedAt}}, ui.Term{Name: i18n.T(ctx, "license.end"), Value: ending(ctx, v.Card, v.rules().Time)},
		ui.Term{Name: i18n.T(ctx, "license.made"), Value: ui.Time{At: v.MadeAt}}, ui.Term{Name: i18n.T(ctx, "license.id"), Value: ui.Mono(v.ID), Copy: v.ID})
}

// moved is how often the card was moved to another machine, in a sentence or two.
func (v Card) moved(ctx context.Context) string {
	said := []string{i18n.T(ctx, "license.cards.moves.customer", "Used", v.Moves.Used, "Most", v.Moves.PerYear)}
	if v.Moves.PerYear == 0 {
		said[0] = i18n.T(ctx, "license.cards.moves.never")
	}
	if !v.Moves.Next.IsZero() {
		said = append(said, i18n.T(ctx, "license.cards.moves.next", "At", i18n.DateTime(ctx, v.Moves.Next)))
	}
	if v.Moves.ByVendor > 0 {
		said = append(said, i18n.T(ctx, "license.cards.moves.vendor", "Count", v.Moves.ByVendor))
	}
	return strings.Join(said, " ")
}

// bound is the machine that the card is bound to; nil: none.
func (v Card) bound() *store.Environment {
	if len(v.Environments) == 0 || !v.Environments[0].UnboundAt.IsZero() {
		return nil
	}
	return &v.Environments[0]
}

func (v Card) machine(ctx context.Context, e *store.Environment) ui.Definitions {
	return ui.Definitions{{Name: i18n.T(ctx, "license.cards.ip"), Value: ui.Mono(cmp.Or(e.IP, "–"))},
		{Name: i18n.T(ctx, "license.machine.parts"), Value: ui.Text(cmp.Or(partNames(ctx, e.Fingerprint), i18n.T(ctx, "license.machine.parts.none")))},
		{Name: i18n.T(ctx, "license.machine.bound"), Value: ui.Time{At: e.BoundAt}}, {Name: i18n.T(ctx, "license.machine.seen"), Value: ui.Time{At: e.SeenAt, Now: v.Now}},
		{Name: i18n.T(ctx, "license.machine.last"), Value: lastCall(ctx, *e)},
		{Name: i18n.T(ctx, "license.machine.id"), Value: ui.Mono(e.ID), Copy: e.ID}}
}

func (v Card) usage(ctx context.Context) ui.Table {
	t := ui.Table{ID: "usage", Caption: i18n.T(ctx, "license.cards.usage"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.cards.call")}, {Label: i18n.T(ctx, "license.cards.count"), Numeric: true}},
		Empty:   ui.Empty{Icon: "chart", Title: i18n.T(ctx, "license.cards.unused")}}
	sums := map[string]int64{}
	for _, u := range v.Usage {
		sums[strings.TrimSpace(callName(ctx, u.Call)+" "+u.Function)] += u.Count
	}
	for _, call := range slices.Sorted(maps.Keys(sums)) {
		t.Rows = append(t.Rows, ui.Row{ui.Mono(call), ui.Text(i18n.Number(ctx, sums[call]))})
	}
	return t
}

// actions are what can be done to the card as it is.
func (v Card) actions(ctx context.Context) []templ.Component {
	if !v.DeletedAt.IsZero() {
		return []templ.Component{v.confirm(ctx, "restore", "refresh", false, nil)}
	}
	all := []templ.Component{v.confirm(ctx, "change", "settings", false, cardFields(v, v.form("change")))}
	switch v.State {
	case store.CardSuspended:
		all = append(all, v.confirm(ctx, "resume", "check", false, nil))
	case store.CardNew, store.CardActive:
		all = append(all, v.confirm(ctx, "suspend", "ban", false, reason(nil, false)))
	}
	if v.State != store.CardRevoked {
		all = append(all, v.confirm(ctx, "extend", "clock", false, extension(v.form("extend"))), v.confirm(ctx, "modules", "list", false, modules(v.form("modules"))))
	}
	if v.bound() != nil {
		all = append(all, v.confirm(ctx, "unbind", "device", true, reason(v.form("unbind"), true)))
	}
	if v.State != store.CardRevoked {
		all = append(all, v.confirm(ctx, "revoke", "x", true, reason(nil, false)))
	}
	return append(all, v.confirm(ctx, "bin", "trash", true, nil))
}

func (v Card) confirm(ctx context.Context, do, icon string, danger bool, fields templ.Component) ui.Confirm {
	label := known(ctx, "license.do."+do, do)
	c := ui.Confirm{ID: do, Open: ui.Button{Label: label + "…", Icon: icon, Danger: do == "revoke"}, Title: known(ctx, "license.do."+do+".title", label),
		Text: known(ctx, "license.do."+do+".text", ""), Action: CardPath(v.ID) + "/" + do, Submit: label, Danger: danger, Fields: fields, Form: v.form(do)}
	if lost, ok := i18n.Lookup(ctx, "license.do."+do+".lost"); ok {
		c.Lost = []string{lost}
	}
	return c
}
