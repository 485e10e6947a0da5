package web

import (
	"cmp"
	"context"
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
	t := ui.Timeline{Now: v.Now}
	for _, e := range v.Events {
		t.Events = append(t.Events, ui.Event{At: e.At, Tone: eventTone(e.Kind), Title: ui.Text(EventName(ctx, e.Kind)), Text: v.told(ctx, e), Block: v.evidence(e)})
	}
	return t
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
		d.number("days")
		parts = append(parts, i18n.T(ctx, "license.told.end", "Old", when(ctx, d.text("was")), "New", when(ctx, d.text("is"))))
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
		for _, one := range v.Environments {
			if one.ID == e.Environment {
				return Evidence{Event: e, Recorded: one.Fingerprint, IP: one.IP, Key: one.SignKey}
			}
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

// sent is all of an event's detail as it is kept.
func sent(e store.Event) string {
	text, err := json.MarshalIndent(e.Detail, "", "  ")
	if err != nil {
		return fmt.Sprint(e.Detail)
	}
	return string(text)
}
