package store_test

import (
	"slices"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
)

func TestCountsByTime(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		ctx := t.Context()
		from := w.Clock.Now().Truncate(24 * time.Hour)
		p := w.Policy(t, "p", func(p *policy.Policy) { p.Time.Days = 10 })
		keys := w.Keys(t, card.Order{Policy: p, Count: 3})
		w.Machine(t, "1", "198.51.100.1").Ask(t, "activate", keys[0])
		w.Clock.Advance(24 * time.Hour)
		m := w.Machine(t, "2", "198.51.100.2")
		m.Ask(t, "activate", keys[1])
		m.Ask(t, "validate", keys[1])
		m.Ask(t, "validate", keys[1])
		w.Machine(t, "3", "198.51.100.3").Ask(t, "activate", keys[1]) // refused
		activated, err := w.Store.EventsPerDay(ctx, card.Activated, from, 3)
		must(t, err)
		refused, err := w.Store.EventsPerDay(ctx, card.Mismatched, from, 3)
		must(t, err)
		if !slices.Equal(activated, []int64{1, 1, 0}) || !slices.Equal(refused, []int64{0, 1, 0}) {
			t.Errorf("activated %v, refused %v", activated, refused)
		}
		calls, err := w.Store.CallsPerDay(ctx, from, 2)
		must(t, err)
		if len(calls) != 2 || !slices.Equal(calls["activate"], []int64{1, 1}) || !slices.Equal(calls["validate"], []int64{0, 2}) {
			t.Errorf("the calls are %v", calls)
		}
		ends, err := w.Store.EndsPerWeek(ctx, w.Clock.Now(), 2)
		must(t, err)
		if !slices.Equal(ends, []int64{0, 2}) {
			t.Errorf("the ends are %v", ends)
		}
		if none, err := w.Store.EndsPerWeek(ctx, from.AddDate(1, 0, 0), 2); err != nil || !slices.Equal(none, []int64{0, 0}) {
			t.Errorf("a year later the ends are %v, %v", none, err)
		}
	})
}
