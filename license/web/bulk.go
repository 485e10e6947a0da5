package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// BulkActions are what can be done to many cards at once.
func BulkActions() []string {
	return []string{"suspend", "resume", "extend", "unbind", "revoke", "bin", "restore"}
}

func bulkOptions(ctx context.Context) []ui.Option {
	var all []ui.Option
	for _, do := range BulkActions() {
		all = append(all, ui.Option{Value: do, Label: known(ctx, "license.do."+do, do)})
	}
	return all
}

// Bulk is what is about to be done to many cards.
type Bulk struct {
	Do    string
	Cards []store.Card
	// Query leads back to the list.
	Query string
	Form  *form.Form
	Now   time.Time
}

// Back is the list that the cards were chosen from.
func (v Bulk) Back() string { return CardsPath(v.Query) }

// CardsPath is the list of cards that a query asks for.
func CardsPath(query string) string {
	if query == "" {
		return "/cards"
	}
	return "/cards?" + query
}

// Title names the action and how many cards.
func (v Bulk) Title(ctx context.Context) string {
	return i18n.T(ctx, "license.bulk.title", "Do", known(ctx, "license.do."+v.Do, v.Do), "Count", len(v.Cards))
}

// lost is what is lost by it, for each card; empty: nothing.
func (v Bulk) lost(ctx context.Context) string { return known(ctx, "license.do."+v.Do+".lost", "") }

func (v Bulk) danger() bool { return v.Do == "revoke" || v.Do == "bin" || v.Do == "unbind" }

// states are how many of the cards are in which state, so that nobody revokes by mistake
// what is in use.
func (v Bulk) states(ctx context.Context) []templ.Component {
	counts := map[string]int{}
	for _, c := range v.Cards {
		counts[stateOf(c, v.Now)]++
	}
	var all []templ.Component
	for _, state := range States() {
		if n := counts[state]; n > 0 {
			all = append(all, ui.Badge{Tone: stateTone(state), Label: StateName(ctx, state) + ": " + i18n.Number(ctx, n)})
		}
	}
	return all
}

func bulkLabels(ctx context.Context) map[string]string {
	return map[string]string{"reason": i18n.T(ctx, "license.reason"), "days": i18n.T(ctx, "license.policy.days"), "until": i18n.T(ctx, "license.batches.ends")}
}
