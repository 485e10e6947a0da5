package web

import (
	"context"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
	"guildhall/sdk/go/license"
)

// The states of a card that lists know besides those that are kept.
const (
	Expired = "expired"
	Binned  = "binned"
)

// States are those that cards can be looked for by, in their order.
func States() []string {
	return []string{store.CardNew, store.CardActive, Expired, store.CardSuspended, store.CardRevoked, Binned}
}

// StateName is what people call a state.
func StateName(ctx context.Context, state string) string {
	return known(ctx, "license.state."+state, state)
}

func stateTone(state string) ui.Tone {
	switch state {
	case store.CardActive:
		return ui.Good
	case Expired, store.CardSuspended:
		return ui.Warn
	case store.CardRevoked:
		return ui.Bad
	}
	return ui.Neutral
}

func known(ctx context.Context, key, fallback string) string {
	if s, ok := i18n.Lookup(ctx, key); ok {
		return s
	}
	return fallback
}

// callName is what people call a call of clients.
func callName(ctx context.Context, call string) string { return known(ctx, "license.call."+call, call) }

// lastCall is what a machine asked for last.
func lastCall(ctx context.Context, e store.Environment) templ.Component {
	name := callName(ctx, e.LastCall)
	if e.LastCall == license.CallFunction {
		name += " " + e.LastFunction
	}
	return ui.Text(name)
}
