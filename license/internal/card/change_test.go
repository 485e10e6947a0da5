package card_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
)

func TestExtendingACardThatWasNotUsed(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		now := w.Clock.Now()
		week := now.AddDate(0, 0, 7)
		for name, c := range map[string]struct {
			mode  policy.Mode
			order card.Order
			days  int
			until time.Time
			want  time.Time // zero: never
			wrong string
		}{
			"days":                        {mode: policy.Days, days: 5, want: now.AddDate(0, 0, 15)},
			"days of its own":             {mode: policy.Days, order: card.Order{Days: 3}, days: 5, want: now.AddDate(0, 0, 8)},
			"days and a fixed end":        {mode: policy.Days, order: card.Order{EndsAt: week}, days: 5, want: now.AddDate(0, 0, 12)},
			"days with an end later":      {mode: policy.Days, order: card.Order{EndsAt: now.AddDate(1, 0, 0)}, days: 5, want: now.AddDate(0, 0, 15)},
			"days, until":                 {mode: policy.Days, until: week, want: week},
			"trial":                       {mode: policy.Trial, days: 5, want: now.AddDate(0, 0, 15)},
			"subscription":                {mode: policy.Subscription, days: 5, want: now.AddDate(0, 0, 15)},
			"subscription with its end":   {mode: policy.Subscription, order: card.Order{EndsAt: week}, days: 5, want: now.AddDate(0, 0, 12)},
			"until":                       {mode: policy.Until, order: card.Order{EndsAt: week}, days: 5, want: now.AddDate(0, 0, 12)},
			"until never":                 {mode: policy.Until, days: 5, wrong: "days endless"},
			"until never, until":          {mode: policy.Until, until: week, want: week},
			"no days":                     {mode: policy.Days, wrong: "until past"},
			"to the past":                 {mode: policy.Days, until: now, wrong: "until past"},
			"days back":                   {mode: policy.Days, days: -1, wrong: "days out_of_bounds"},
			"more days than there may be": {mode: policy.Days, days: policy.MaxDays + 1, wrong: "days out_of_bounds"},
			"to the year 10000":           {mode: policy.Days, until: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), wrong: "until too_late"},
		} {
			c.order.Policy, c.order.Count = w.Policy(t, name, func(p *policy.Policy) { p.Time.Mode, p.Time.Days = c.mode, 10 }), 1
			key := w.Keys(t, c.order)[0]
			_, err := w.Cards.Extend(t.Context(), w.Card(t, key).ID, c.days, c.until, licensetest.By)
			if c.wrong != "" {
				wrong(t, err, c.wrong)
				continue
			}
			must(t, err)
			a := w.Machine(t, name, "198.51.100.7").Want(t, "activated ok", "activate", key)
			if c.want.IsZero() && a.ExpiresAt != nil || !c.want.IsZero() && (a.ExpiresAt == nil || !a.ExpiresAt.Equal(c.want)) {
				t.Errorf("%s: the card ends at %v, want %v", name, a.ExpiresAt, c.want)
			}
		}
	})
}

func TestExtendingACardInUse(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, func(p *policy.Policy) { p.Time.Days = 10 })
		m := w.Machine(t, "m", "198.51.100.7")
		m.Want(t, "activated ok", "activate", key)
		id, began := w.Card(t, key).ID, w.Clock.Now()
		ends := func(want time.Time) func(c store.Card, err error) {
			return func(c store.Card, err error) {
				t.Helper()
				must(t, err)
				if !c.ExpiresAt.Equal(want) || !reflect.DeepEqual(c, w.Card(t, key)) {
					t.Errorf("the card is %+v, want the end %v", c, want)
				}
			}
		}
		ends(began.AddDate(0, 0, 13))(w.Cards.Extend(t.Context(), id, 3, time.Time{}, licensetest.By))
		w.Clock.Advance(100 * 24 * time.Hour)
		ends(began.AddDate(0, 0, 103))(w.Cards.Extend(t.Context(), id, 3, time.Time{}, licensetest.By))
		until := began.AddDate(0, 0, 102)
		ends(until)(w.Cards.Extend(t.Context(), id, 0, until, licensetest.By))
		for range 200 { // no end is so far away that it could not be told
			if _, err := w.Cards.Extend(t.Context(), id, policy.MaxDays, time.Time{}, licensetest.By); err != nil {
				wrong(t, err, "days too_late")
				if a := m.Want(t, "ok ok", "validate", key); a.ExpiresAt.Year() > 9000 {
					t.Errorf("the card ends at %v", a.ExpiresAt)
				}
				return
			}
		}
		t.Error("a card can be extended without end")
	})
}

func TestStatesThatAllowNothingMore(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		id := w.Card(t, w.CardKey(t, nil)).ID
		_, err := w.Cards.Resume(t.Context(), id, licensetest.By)
		wrong(t, err, "card_state")
		if want := "The card is not used yet. Only a suspended card can be resumed."; err.Error() != want {
			t.Errorf("it says %q", err)
		}
		c, err := w.Cards.Suspend(t.Context(), id, "why", licensetest.By)
		must(t, err)
		for _, reason := range []string{"why", ""} {
			again, err := w.Cards.Suspend(t.Context(), id, reason, licensetest.By)
			if err != nil || !reflect.DeepEqual(again, c) {
				t.Errorf("suspended twice: %+v, %v", again, err)
			}
		}
		must2(t)(w.Cards.Suspend(t.Context(), id, "another reason", licensetest.By))
		c, err = w.Cards.Resume(t.Context(), id, licensetest.By)
		if err != nil || c.State != store.CardNew {
			t.Errorf("a card that was not used is resumed as %+v, %v", c, err)
		}
		must2(t)(w.Cards.Revoke(t.Context(), id, "", licensetest.By))
		must2(t)(w.Cards.Revoke(t.Context(), id, "", licensetest.By))
		_, err = w.Cards.Suspend(t.Context(), id, "", licensetest.By)
		wrong(t, err, "card_state")
		_, err = w.Cards.Extend(t.Context(), id, 1, time.Time{}, licensetest.By)
		wrong(t, err, "card_state")
		_, err = w.Cards.Revoke(t.Context(), "crd_none", "", licensetest.By)
		wrong(t, err, "card_not_found")
		_, err = w.Cards.Revoke(t.Context(), id, strings.Repeat("r", 2001), licensetest.By)
		wrong(t, err, "note too_long")
		must2(t)(w.Cards.Unbind(t.Context(), id, "nothing to unbind", licensetest.By))
		var done []string
		for _, a := range w.Actions(t) {
			if strings.HasPrefix(a, "card.") {
				done = append(done, a)
			}
		}
		if want := []string{"card.suspended", "card.suspended", "card.resumed", "card.revoked"}; !slices.Equal(done, want) {
			t.Errorf("the audit log has %v, want %v", done, want)
		}
	})
}

func must2(t testing.TB) func(store.Card, error) {
	return func(_ store.Card, err error) { t.Helper(); must(t, err) }
}

func TestChangingACard(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		c := w.Card(t, w.CardKey(t, nil))
		other := w.Policy(t, "other", nil)
		customer, err := w.Catalogue.AddCustomer(t.Context(), "Anna", "anna@example.test", "", licensetest.By)
		must(t, err)
		got, err := w.Cards.Change(t.Context(), c.ID, other, customer.ID, " a note ", licensetest.By)
		if err != nil || got.Policy != other || got.Customer != customer.ID || got.Note != "a note" || got.Revision != c.Revision+1 {
			t.Errorf("the card is %+v, %v", got, err)
		}
		same, err := w.Cards.Change(t.Context(), c.ID, other, customer.ID, "a note", licensetest.By)
		if err != nil || same.Revision != got.Revision {
			t.Errorf("no change is %+v, %v", same, err)
		}
		_, err = w.Catalogue.CreateProduct(t.Context(), "loom", "The loom", "", licensetest.By)
		must(t, err)
		foreign, err := w.Catalogue.CreatePolicy(t.Context(), "loom", "x", policy.Default(), licensetest.By)
		must(t, err)
		_, err = w.Cards.Change(t.Context(), c.ID, foreign.ID, "", "", licensetest.By)
		wrong(t, err, "policy other_product")
		_, err = w.Cards.Change(t.Context(), c.ID, "pol_none", "", "", licensetest.By)
		wrong(t, err, "policy_not_found")
		_, err = w.Cards.Change(t.Context(), c.ID, other, "cus_none", "", licensetest.By)
		wrong(t, err, "customer_not_found")
	})
}

// Nobody's change is lost: each is written on top of the one before.
func TestChangesAtTheSameTime(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, func(p *policy.Policy) { p.Time.Days = 10 })
		w.Machine(t, "m", "198.51.100.7").Want(t, "activated ok", "activate", key)
		before := w.Card(t, key)
		nodes := []*card.Desk{w.Cards, licensetest.Node(t, w.DB, w.Key, w.Clock).Cards}
		var done atomic.Int64
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				_, err := nodes[i%2].Extend(t.Context(), before.ID, 1, time.Time{}, licensetest.By)
				if err == nil {
					done.Add(1)
				} else if !errors.Is(err, catalogue.ErrChanged) {
					t.Errorf("extend: %v", err)
				}
			})
		}
		group.Wait()
		if got := w.Card(t, key); done.Load() == 0 || !got.ExpiresAt.Equal(before.ExpiresAt.AddDate(0, 0, int(done.Load()))) {
			t.Errorf("%d days were given, and the card ends at %v instead of %v", done.Load(), got.ExpiresAt, before.ExpiresAt)
		}
	})
}

func TestReasonsStayOutOfTheAuditLog(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		must2(t)(w.Cards.Suspend(t.Context(), w.Card(t, key).ID, "Anna did not pay "+key, licensetest.By))
		if got := w.Events(t, key)[0]; got.Detail["reason"] != "Anna did not pay "+key || got.Detail["by"] != licensetest.By.Actor {
			t.Errorf("the time line has %+v", got)
		}
		page, err := w.Journal.Audit.List(t.Context(), audit.Filter{Limit: audit.MaxLimit})
		must(t, err)
		for _, r := range page.Records {
			if strings.Contains(string(r.Detail), "did not pay") {
				t.Errorf("the audit log has %+v", r)
			}
		}
	})
}
