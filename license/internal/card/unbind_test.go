package card_test

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license"
)

const anna = "usr_anna"

// owned is a card of a customer of Anna's that is in use on a machine.
func owned(t *testing.T, w *licensetest.World, rules func(*policy.Policy)) (store.Card, *licensetest.Machine, string) {
	t.Helper()
	customer, err := w.Catalogue.AddCustomer(t.Context(), "Printers", "", "", licensetest.By)
	must(t, err)
	key := w.CardKey(t, rules)
	c := w.Card(t, key)
	c, err = w.Cards.Change(t.Context(), c.ID, c.Policy, customer.ID, "", licensetest.By)
	must(t, err)
	must(t, w.Journal.Group(t.Context(), func(tx *sql.Tx) error {
		_, err := w.Store.LinkAccount(t.Context(), tx, store.Account{Customer: customer.ID, ID: anna, LinkedAt: w.Clock.Now()})
		return err
	}))
	m := w.Machine(t, "desk", "198.51.100.7")
	m.Want(t, "activated ok", license.CallActivate, key)
	return c, m, key
}

func TestCustomersMoveTheirCardsWithinTheQuota(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		c, m, key := owned(t, w, func(p *policy.Policy) { p.Rebind = policy.Rebind{PerYear: 2, CooldownHours: 24} })
		by := audit.Caller{Actor: anna, From: "192.0.2.9"}
		move := func() error {
			_, err := w.Cards.Move(t.Context(), anna, c.ID, "new laptop", by)
			return err
		}
		next := func(err error) time.Time {
			at, _ := fault.As(err).Args["Next"].(time.Time)
			return at
		}
		if _, err := w.Cards.Move(t.Context(), anna, c.ID, " ", by); len(fault.As(err).Fields) != 1 {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := w.Cards.Move(t.Context(), "usr_berta", c.ID, "mine now", by); !errors.Is(err, store.ErrCard) {
			t.Errorf("somebody else's card: %v", err)
		}
		must(t, move())
		first := w.Clock.Now()
		m.Want(t, "ok ok", license.CallActivate, key)
		if err := move(); !errors.Is(err, card.ErrMoveCooldown) || !next(err).Equal(first.Add(24*time.Hour)) {
			t.Errorf("within the pause: %v, %v", err, next(err))
		}
		w.Clock.Advance(24 * time.Hour)
		must(t, move())
		m.Want(t, "ok ok", license.CallActivate, key)
		w.Clock.Advance(24 * time.Hour)
		if err := move(); !errors.Is(err, card.ErrMoveQuota) || !next(err).Equal(first.Add(policy.RebindSpan)) {
			t.Errorf("a third time: %v, %v", err, next(err))
		}
		if _, err := w.Cards.Unbind(t.Context(), c.ID, "", licensetest.By); len(fault.As(err).Fields) != 1 {
			t.Errorf("support without a reason: %v", err)
		}
		_, err := w.Cards.Unbind(t.Context(), c.ID, "the customer called", licensetest.By)
		must(t, err)
		m.Want(t, "ok ok", license.CallActivate, key)
		got, err := w.Cards.Moves(t.Context(), c)
		must(t, err)
		if got != (card.Moves{Quota: policy.Quota{Used: 2, PerYear: 2, Next: first.Add(policy.RebindSpan)}, ByVendor: 1}) {
			t.Errorf("the moves are %+v", got)
		}
		w.Clock.Advance(policy.RebindSpan - 48*time.Hour)
		must(t, move())
		events := w.Events(t, key, card.Unbound)
		if len(events) != 4 || events[0].Detail["self"] != true || events[2].Detail["self"] != nil {
			t.Errorf("the time line has %+v", events)
		}
	})
}

func TestWhatIsStoppedIsNotMoved(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		c, _, _ := owned(t, w, func(p *policy.Policy) { p.Rebind.PerYear = 0 })
		by := audit.Caller{Actor: anna}
		if _, err := w.Cards.Move(t.Context(), anna, c.ID, "why not", by); !errors.Is(err, card.ErrMoveNever) {
			t.Errorf("where the vendor alone moves cards: %v", err)
		}
		_, err := w.Cards.Suspend(t.Context(), c.ID, "", licensetest.By)
		must(t, err)
		if _, err := w.Cards.Move(t.Context(), anna, c.ID, "why not", by); !errors.Is(err, card.ErrState) {
			t.Errorf("a suspended card: %v", err)
		}
		_, err = w.Cards.Bin(t.Context(), c.ID, licensetest.By)
		must(t, err)
		if _, err := w.Cards.Move(t.Context(), anna, c.ID, "why not", by); !errors.Is(err, store.ErrCard) {
			t.Errorf("a card in the recycle bin: %v", err)
		}
	})
}

func TestModulesOfACardStandBeforeThoseOfItsPolicy(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		c, m, key := owned(t, w, func(p *policy.Policy) { p.Modules = []string{"draw"} })
		ask := func(module string) string {
			return m.Ask(t, license.CallValidate, key, func(r *license.Request) { r.Module = module }).Code
		}
		set := func(modules []string) {
			t.Helper()
			_, err := w.Cards.SetModules(t.Context(), c.ID, modules, licensetest.By)
			must(t, err)
		}
		set([]string{"print", "draw"})
		set([]string{"print", "draw"})
		if a, b := ask("print"), ask("draw"); a != "ok" || b != "ok" {
			t.Errorf("two modules: %s, %s", a, b)
		}
		set([]string{})
		if got := m.Ask(t, license.CallValidate, key); ask("draw") != "module_not_allowed" || len(got.Modules) != 0 {
			t.Errorf("no module: %+v", got)
		}
		set(nil)
		if got := m.Ask(t, license.CallValidate, key); ask("draw") != "ok" || ask("print") != "module_not_allowed" || len(got.Modules) != 1 {
			t.Errorf("the policy's again: %+v", got)
		}
		if _, err := w.Cards.SetModules(t.Context(), c.ID, []string{"no name"}, licensetest.By); len(fault.As(err).Fields) != 1 {
			t.Errorf("what is no name: %v", err)
		}
		if got := w.Events(t, key, card.Changed); len(got) != 4 { // the customer, and three times the modules
			t.Errorf("the time line has %+v", got)
		}
	})
}
