package web

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/card"
	"guildhall/license/internal/store"
	"guildhall/platform/audit/logpage"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

func (v Card) timeline(ctx context.Context) ui.Timeline {
	t, compared := ui.Timeline{Now: v.Now}, false
	for _, r := range v.runs() {
		text := v.told(ctx, r.Event)
		if r.count > 1 {
			text += " · " + i18n.T(ctx, "license.told.times", "Count", r.count, "First", i18n.DateTime(ctx, r.first))
		}
		block := v.evidence(r.Event)
		if block != nil && compared { // one is in sight, the others on demand
			block = folded(i18n.T(ctx, "license.part.compared"), block)
		}
		compared = compared || block != nil
		t.Events = append(t.Events, ui.Event{At: r.At, Tone: eventTone(r.Kind), Title: ui.Text(EventName(ctx, r.Kind)), Text: text, Block: block})
	}
	return t
}

// run is an event that came again and again, with nothing between: the last one, how
// often, and when it began.
type run struct {
	store.Event
	count int
	first time.Time
}

// runsShown are those that a time line has at most.
const runsShown = 50

// runs are the events with those as one that say the same.
func (v Card) runs() (all []run) {
	said := ""
	for _, e := range v.Events {
		says := ""
		if e.Kind == card.Mismatched {
			says = fmt.Sprint(e.Environment, e.IP, e.Detail["code"], e.Detail["fingerprint"], sentKey(e)) // maps are printed in order
		}
		if says != "" && says == said {
			last := &all[len(all)-1]
			last.count, last.first = last.count+1, e.At
			continue
		}
		if len(all) == runsShown {
			break
		}
		all, said = append(all, run{e, 1, e.At}), says
	}
	return all
}

// earlier is how many events the time line does not have.
func (v Card) earlier() int {
	n := v.AllEvents
	for _, r := range v.runs() {
		n -= r.count
	}
	return n
}

// EventName is what people call a kind of events.
func EventName(ctx context.Context, kind string) string {
	return known(ctx, "license.event."+kind, kind)
}

func eventTone(kind string) ui.Tone {
	switch kind {
	case card.Mismatched, card.Alarm, card.Revoked:
		return ui.Bad
	case card.Drifted, card.Suspended, card.Unbound, card.Binned:
		return ui.Warn
	case card.Activated, card.Bound, card.Resumed, card.Restored:
		return ui.Good
	}
	return ui.Neutral
}

// told is an event in words: what came of it, why, by whom, and from where.
func (v Card) told(ctx context.Context, e store.Event) string {
	d := details{e.Detail, maps.Clone(e.Detail)}
	parts := v.what(ctx, e, &d)
	for _, said := range []string{"reason", "version", "sdk", "by"} {
		text := d.text(said)
		if said == "by" && text != "" {
			text = logpage.Called(ctx, text)
		}
		if text != "" {
			parts = append(parts, i18n.T(ctx, "license.told."+said, "Text", text))
		}
	}
	if e.IP != "" {
		parts = append(parts, i18n.T(ctx, "license.told.from", "Text", e.IP))
	}
	if e.Kind != card.Mismatched && e.Kind != card.Drifted { // those show all of it under them
		for _, name := range slices.Sorted(maps.Keys(d.rest)) {
			if text, ok := d.rest[name].(string); ok && text != "" {
				parts = append(parts, name+": "+text)
			}
		}
	}
	return strings.Join(parts, " · ")
}

// what is what the kind of an event has to say beside what all have.
func (v Card) what(ctx context.Context, e store.Event, d *details) (parts []string) {
	switch e.Kind {
	case card.Extended:
		days, was, is := d.number("days"), d.text("was"), d.text("is")
		if was+is == "" { // it is counted from the first use
			parts = append(parts, i18n.T(ctx, "license.told.days", "Count", days))
			break
		}
		parts = append(parts, i18n.T(ctx, "license.told.end", "Old", when(ctx, was), "New", when(ctx, is)))
	case card.Changed:
		if was, is := d.pair("policy"); is != "" {
			parts = append(parts, i18n.T(ctx, "license.told.policy", "Old", v.policy(was), "New", v.policy(is)))
		}
		if was, is := d.pair("customer"); was != is {
			parts = append(parts, i18n.T(ctx, "license.told.customer", "Old", v.customer(ctx, was), "New", v.customer(ctx, is)))
		}
		if both, ok := e.Detail["modules"].(map[string]any); ok {
			parts = append(parts, i18n.T(ctx, "license.told.modules", "Text", modulesTold(ctx, both["new"])))
		}
		if len(parts) == 0 {
			parts = append(parts, i18n.T(ctx, "license.told.note"))
		}
	case card.Unbound:
		if e.Detail["self"] == true {
			parts = append(parts, i18n.T(ctx, "license.told.self"))
		}
	case card.Drifted:
		parts = append(parts, known(ctx, "license.told.drift."+d.text("what"), ""))
	case card.Mismatched:
		code := d.text("code")
		parts = append(parts, known(ctx, "license.told.code."+code, code))
	case card.Downloaded:
		for _, shown := range []string{"file", "product"} {
			delete(d.rest, shown)
		}
		if e.Detail["self"] == true {
			parts = append(parts, i18n.T(ctx, "license.told.self"))
		}
		key := "license.told.part"
		if e.Detail["complete"] == true {
			key = "license.told.whole"
		}
		parts = append(parts, i18n.T(ctx, key, "Name", d.text("name"), "Bytes", i18n.Number(ctx, d.number("bytes")), "Size", i18n.Number(ctx, d.number("size"))))
	case card.Alarm:
		parts = append(parts, i18n.T(ctx, "license.told.alarm."+d.text("kind"), "Count", d.number("count")))
	}
	return parts
}

// modulesTold are modules of a card's own; nil: it has those of its policy.
func modulesTold(ctx context.Context, modules any) string {
	list, ok := modules.([]any)
	if !ok {
		return i18n.T(ctx, "license.told.modules.policy")
	}
	names := make([]string, len(list))
	for i, name := range list {
		names[i] = fmt.Sprint(name)
	}
	return cmp.Or(strings.Join(names, ", "), i18n.T(ctx, "license.cards.modules.none"))
}

func (v Card) customer(ctx context.Context, id string) string {
	for _, one := range v.Customers {
		if one.ID == id {
			return one.Name
		}
	}
	if id == "" {
		return i18n.T(ctx, "license.customer.none")
	}
	return id
}

// evidence is what a machine sent beside what is recorded of the card's; nil: nothing.
func (v Card) evidence(e store.Event) templ.Component {
	switch e.Kind {
	case card.Mismatched:
		if then, ok := e.Detail["recorded"].(map[string]any); ok {
			key, _ := base64.StdEncoding.DecodeString(strs(then)["sign"]) // none: the machine brought none
			return Evidence{Event: e, Recorded: strs(then["fingerprint"]), IP: strs(then)["ip"], Key: key}
		}
		return Evidence{Event: e}
	case card.Drifted:
		if e.Detail["was"] != nil {
			return Evidence{Event: e, Recorded: strs(e.Detail["was"])}
		}
	}
	return nil
}

// details are those of an event, and what of them nobody has asked for yet.
type details struct {
	all, rest map[string]any
}

func (d *details) text(name string) string {
	delete(d.rest, name)
	s, _ := d.all[name].(string)
	return s
}

func (d *details) number(name string) int {
	delete(d.rest, name)
	n, _ := d.all[name].(float64)
	return int(n)
}

func (d *details) pair(name string) (was, is string) {
	delete(d.rest, name)
	both := strs(d.all[name])
	return both["old"], both["new"]
}

// strs are the texts of an object that was read from JSON.
func strs(object any) map[string]string {
	all := map[string]string{}
	fields, _ := object.(map[string]any)
	for name, v := range fields {
		if s, ok := v.(string); ok {
			all[name] = s
		}
	}
	return all
}

// when is a time of a detail as people read it.
func when(ctx context.Context, stamp string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return "–"
	}
	return i18n.DateTime(ctx, at)
}

// sent is all of an event's detail that a machine sent.
func sent(e store.Event) string {
	all := maps.Clone(e.Detail)
	delete(all, "recorded")
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Sprint(all)
	}
	return string(text)
}
