package store_test

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/cardid"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/db"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func worlds(t *testing.T, test func(t *testing.T, w *licensetest.World)) {
	t.Helper()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) { test(t, licensetest.New(t, d)) })
}

func TestFindingCards(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		ctx, began := t.Context(), w.Clock.Now()
		customer, err := w.Catalogue.AddCustomer(ctx, "Anna", "", "", licensetest.By)
		must(t, err)
		p := w.Policy(t, "p", func(p *policy.Policy) { p.Time.Days = 10 })
		keys := w.Keys(t, card.Order{Policy: p, Customer: customer.ID, Count: 6})
		names := map[string]string{}
		id := func(i int) string { return w.Card(t, keys[i]).ID }
		for i, name := range []string{"new", "active", "expired", "suspended", "revoked", "binned"} {
			names[id(i)] = name
		}
		w.Machine(t, "2", "198.51.100.2").Want(t, "activated ok", "activate", keys[2])
		w.Clock.Advance(5 * 24 * time.Hour)
		w.Machine(t, "1", "2001:db8::1").Want(t, "activated ok", "activate", keys[1])
		w.Clock.Advance(6 * 24 * time.Hour)
		must1(t)(w.Cards.Suspend(ctx, id(3), "", licensetest.By))
		must1(t)(w.Cards.Revoke(ctx, id(4), "", licensetest.By))
		binned := id(5)
		must1(t)(w.Cards.Change(ctx, id(1), p, customer.ID, "100% of Them", licensetest.By))
		must1(t)(w.Cards.Bin(ctx, binned, licensetest.By))
		other := w.CardKey(t, nil)
		names[w.Card(t, other).ID] = "other"
		key, err := cardid.Parse(keys[1])
		must(t, err)
		now := w.Clock.Now()
		must1(t)(w.Cards.Extend(ctx, w.Card(t, other).ID, 0, now.Add(time.Hour), licensetest.By)) // its fixed end: nobody uses it yet
		for name, c := range map[string]struct {
			q    store.CardQuery
			want []string
		}{
			"all":                {store.CardQuery{}, []string{"active", "expired", "new", "other", "revoked", "suspended"}},
			"new":                {store.CardQuery{State: store.CardNew}, []string{"new", "other"}},
			"active":             {store.CardQuery{State: store.CardActive}, []string{"active"}},
			"expired":            {store.CardQuery{State: "expired"}, []string{"expired"}},
			"suspended":          {store.CardQuery{State: store.CardSuspended}, []string{"suspended"}},
			"revoked":            {store.CardQuery{State: store.CardRevoked}, []string{"revoked"}},
			"binned":             {store.CardQuery{State: "binned"}, []string{"binned"}},
			"note":               {store.CardQuery{Text: "100% OF"}, []string{"active"}},
			"note with a sign":   {store.CardQuery{Text: "1%o"}, nil},
			"prefix":             {store.CardQuery{Prefix: key.Prefix(), Customer: customer.ID, State: store.CardActive}, []string{"active"}},
			"IPv4":               {store.CardQuery{IP: "198.51.100.2"}, []string{"expired"}},
			"IPv6":               {store.CardQuery{IP: "2001:db8::1"}, []string{"active"}},
			"customer":           {store.CardQuery{Customer: customer.ID}, []string{"active", "expired", "new", "revoked", "suspended"}},
			"batch":              {store.CardQuery{Batch: w.Card(t, other).Batch}, []string{"other"}},
			"policy":             {store.CardQuery{Policy: p, State: store.CardNew}, []string{"new"}},
			"product by code":    {store.CardQuery{Product: licensetest.Product}, nil},
			"made since":         {store.CardQuery{MadeFrom: began.Add(time.Microsecond)}, []string{"other"}},
			"made before":        {store.CardQuery{MadeTo: began.Add(time.Microsecond)}, []string{"active", "expired", "new", "revoked", "suspended"}},
			"ends within 7 days": {store.CardQuery{EndFrom: now, EndTo: now.AddDate(0, 0, 7)}, []string{"active", "other"}},
			"in use, ends":       {store.CardQuery{State: store.CardActive, EndFrom: now, EndTo: now.AddDate(0, 0, 7)}, []string{"active"}},
			"ended":              {store.CardQuery{EndTo: now}, []string{"expired"}},
		} {
			c.q.Now, c.q.Limit = now, 100
			all, total, err := w.Store.Cards(ctx, c.q)
			must(t, err)
			var got []string
			for _, found := range all {
				got = append(got, names[found.ID])
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) || total != len(c.want) {
				t.Errorf("%s: %v of %d, want %v", name, got, total, c.want)
			}
		}
		counts, err := w.Store.CardCounts(ctx, "", now)
		must(t, err)
		for state, want := range map[string]int{"new": 2, "active": 1, "expired": 1, "suspended": 1, "revoked": 1, "binned": 1} {
			if counts[state] != want {
				t.Errorf("%d cards are %s, want %d", counts[state], state, want)
			}
		}
		first := func(q store.CardQuery) string {
			q.Now, q.Limit = now, 1
			all, _, err := w.Store.Cards(ctx, q)
			must(t, err)
			return names[all[0].ID]
		}
		if a, b, c := first(store.CardQuery{Sort: "expires"}), first(store.CardQuery{Sort: "expires", Desc: true}), first(store.CardQuery{Desc: true}); a != "expired" || b != "active" || c != "other" {
			t.Errorf("sorted, %s, %s and %s are first", a, b, c)
		}
	})
}

func must1(t testing.TB) func(store.Card, error) {
	return func(_ store.Card, err error) { t.Helper(); must(t, err) }
}

func TestPagesOfCardsHaveEachOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		w.Keys(t, card.Order{Policy: w.Policy(t, "p", nil), Count: 700}) // made at one moment
		for _, sort := range []string{"made", "expires", "activated"} {
			seen := map[string]bool{}
			for offset := 0; offset < 700; offset += 50 {
				all, total, err := w.Store.Cards(t.Context(), store.CardQuery{Sort: sort, Desc: true, Limit: 50, Offset: offset})
				must(t, err)
				if len(all) != 50 || total != 700 {
					t.Fatalf("the page at %d has %d of %d", offset, len(all), total)
				}
				for _, c := range all {
					seen[c.ID] = true
				}
			}
			if len(seen) != 700 {
				t.Errorf("by %s, the pages have %d cards", sort, len(seen))
			}
		}
	})
}

func TestEventsAndUnbindings(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		c, began := w.Card(t, key), w.Clock.Now()
		for i := range 3 {
			w.Machine(t, "m", "198.51.100.7").Ask(t, "activate", key)
			w.Clock.Advance(time.Hour)
			must1(t)(w.Cards.Unbind(t.Context(), c.ID, string(rune('a'+i)), licensetest.By))
		}
		all, total, err := w.Store.Events(t.Context(), store.EventQuery{Card: c.ID, Kind: card.Unbound, From: began.Add(2 * time.Hour), To: began.Add(3 * time.Hour), Limit: 10})
		must(t, err)
		if total != 1 || all[0].Detail["reason"] != "b" {
			t.Errorf("the events are %+v", all)
		}
		must(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
			all, err := w.Store.UnbindingsIn(t.Context(), tx, c.ID, began.Add(2*time.Hour))
			if len(all) != 2 || !all[0].At.Equal(began.Add(3*time.Hour)) || all[0].Self {
				t.Errorf("the unbindings are %+v", all)
			}
			return err
		}))
		if all, total, err := w.Store.EnvironmentList(t.Context(), store.EnvironmentQuery{IP: "198.51.100.7", Product: c.Product, Limit: 2}); err != nil || len(all) != 2 || total != 3 {
			t.Errorf("the environments are %d of %d, %v", len(all), total, err)
		}
		if _, total, err := w.Store.EnvironmentList(t.Context(), store.EnvironmentQuery{Bound: true, Limit: 2}); err != nil || total != 0 {
			t.Errorf("%d are bound, %v", total, err)
		}
		seen := store.EnvironmentQuery{Prefix: c.Prefix, SeenFrom: began.Add(time.Hour), SeenTo: began.Add(2 * time.Hour), Limit: 5}
		if all, total, err := w.Store.EnvironmentList(t.Context(), seen); err != nil || total != 1 || !all[0].SeenAt.Equal(began.Add(time.Hour)) {
			t.Errorf("seen in the second hour: %+v of %d, %v", all, total, err)
		}
		seen.Prefix = "none"
		if _, total, err := w.Store.EnvironmentList(t.Context(), seen); err != nil || total != 0 {
			t.Errorf("%d are of no card, %v", total, err)
		}
		if found, err := w.Store.CardsByID(t.Context(), []string{c.ID, "none", c.ID}); err != nil || len(found) != 1 || found[c.ID].Prefix != c.Prefix {
			t.Errorf("by their ids there are the cards %+v, %v", found, err)
		}
		if found, err := w.Store.CardsByID(t.Context(), nil); err != nil || len(found) != 0 {
			t.Errorf("by no ids there are %d cards, %v", len(found), err)
		}
	})
}
