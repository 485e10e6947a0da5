package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/store"
)

func TestCustomersInOrder(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		ctx, p := t.Context(), w.Policy(t, "p", nil)
		for _, one := range []struct {
			name  string
			cards int
		}{{"Berta", 1}, {"Anna", 3}, {"Cora", 0}} {
			c, err := w.Catalogue.AddCustomer(ctx, one.name, one.name+"@example.com", "", licensetest.By)
			must(t, err)
			w.Clock.Advance(time.Hour)
			if one.cards == 0 {
				continue
			}
			keys := w.Keys(t, card.Order{Policy: p, Customer: c.ID, Count: one.cards})
			if all, total, err := w.Store.Batches(ctx, store.BatchQuery{Customer: c.ID, Limit: 5}); err != nil || total != 1 || all[0].Wanted != one.cards {
				t.Errorf("%s has the batches %+v of %d, %v", one.name, all, total, err)
			}
			must1(t)(w.Cards.Bin(ctx, w.Card(t, keys[0]).ID, licensetest.By))
		}
		for want, q := range map[string]store.CustomerQuery{
			"Anna 2, Berta 0, Cora 0":  {},
			"Cora 0, Berta 0, Anna 2":  {Sort: "name", Desc: true},
			"Berta 0, Anna 2, Cora 0":  {Sort: "made"},
			"Anna 2, Berta 0, Cora 0 ": {Sort: "cards", Desc: true},
			"Berta 0, Cora 0, Anna 2":  {Sort: "cards"},
			"Cora 0":                   {Text: "CORA@"},
		} {
			q.Limit = 10
			all, total, err := w.Store.Customers(ctx, q)
			must(t, err)
			var got []string
			for _, c := range all {
				got = append(got, c.Name+" "+string(rune('0'+c.Cards)))
			}
			if !slices.Equal(got, strings.Split(strings.TrimSpace(want), ", ")) || total != len(all) {
				t.Errorf("%+v: %v of %d, want %s", q, got, total, want)
			}
		}
	})
}
