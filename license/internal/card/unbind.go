package card

import (
	"context"
	"database/sql"
	"time"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// Errors of a customer who moves a card by himself. The argument Next of the last two is
// the time.Time from which on he may.
var (
	ErrMoveNever    = fault.New(fault.Conflict, "move_never", "The vendor alone moves this card to another machine. Ask there.")
	ErrMoveQuota    = fault.New(fault.Conflict, "move_quota", "The card was moved as often as it may be within a year.")
	ErrMoveCooldown = fault.New(fault.Conflict, "move_cooldown", "The card was moved not long ago.")
)

// because is why a card is unbound, which has to be said: wrong fields are called "reason".
func because(reason string) (map[string]any, error) {
	detail, err := reasoned(reason)
	if err == nil && detail["reason"] == "" {
		err = fault.Fields(fault.Field{Name: "reason", Code: "required", Detail: "Say why the card is taken off its machine."})
	}
	return detail, err
}

// Unbind takes a card off its machine, so that the next one that activates it is bound.
// The vendor's people may at any time; it does not count against the customer's quota.
func (d *Desk) Unbind(ctx context.Context, card, reason string, by audit.Caller) (store.Card, error) {
	detail, err := because(reason)
	if err != nil {
		return store.Card{}, err
	}
	return d.change(ctx, card, by, func(tx *sql.Tx, c *store.Card) (done, error) {
		unbound, err := d.o.Store.Unbind(ctx, tx, c.ID, detail["reason"].(string), false, d.now())
		if err != nil || !unbound {
			return done{}, err
		}
		return done{Unbound, journal.CardUnbound, detail}, nil
	})
}

// Move is Unbind by the customer himself, with an account of his: for a card that is in
// use, and as often as its policy lets him. One that is bound to nothing is left alone.
// A card of somebody else does not exist for him.
func (d *Desk) Move(ctx context.Context, account, card, reason string, by audit.Caller) (store.Card, error) {
	detail, err := because(reason)
	if err != nil {
		return store.Card{}, err
	}
	detail["self"] = true
	return d.change(ctx, card, by, func(tx *sql.Tx, c *store.Card) (done, error) {
		if _, err := d.o.Store.CardOfIn(ctx, tx, account, c.ID); err != nil {
			return done{}, err
		}
		if c.State != store.CardActive {
			return done{}, needs(store.CardActive, c)
		}
		if err := d.mayMove(ctx, tx, *c); err != nil {
			return done{}, err
		}
		unbound, err := d.o.Store.Unbind(ctx, tx, c.ID, detail["reason"].(string), true, d.now())
		if err != nil || !unbound {
			return done{}, err
		}
		return done{Unbound, journal.CardMoved, detail}, nil
	})
}

func (d *Desk) mayMove(ctx context.Context, tx *sql.Tx, c store.Card) error {
	all, err := d.o.Store.UnbindingsIn(ctx, tx, c.ID, d.movesSince())
	if err != nil {
		return err
	}
	m, err := d.moves(ctx, c, all)
	switch {
	case err != nil:
		return err
	case m.PerYear == 0:
		return ErrMoveNever
	case m.Next.IsZero():
		return nil
	case m.Cooling:
		return ErrMoveCooldown.With(map[string]any{"Next": m.Next})
	}
	return ErrMoveQuota.With(map[string]any{"Next": m.Next})
}

// Moves is how often a card was moved to another machine.
type Moves struct {
	// Quota is the customer's own.
	policy.Quota
	// ByVendor is how often the vendor's people unbound it within the same year.
	ByVendor int
}

// Moves says how often a card was moved, and when its customer may again.
func (d *Desk) Moves(ctx context.Context, c store.Card) (Moves, error) {
	all, err := d.o.Store.Unbindings(ctx, c.ID, d.movesSince())
	if err != nil {
		return Moves{}, err
	}
	return d.moves(ctx, c, all)
}

// movesSince is how far back moves are looked at: the longest pause of a policy is longer
// than the year.
func (d *Desk) movesSince() time.Time { return d.now().Add(-policy.RebindSpan - 48*time.Hour) }

func (d *Desk) moves(ctx context.Context, c store.Card, all []store.Unbinding) (m Moves, err error) {
	p, err := d.o.Store.Policy(ctx, c.Policy)
	if err != nil {
		return m, err
	}
	rules, err := policy.Parse([]byte(p.Body))
	if err != nil {
		return m, err
	}
	var own []time.Time
	for _, u := range all {
		switch {
		case u.Self:
			own = append(own, u.At)
		case u.At.After(d.now().Add(-policy.RebindSpan)):
			m.ByVendor++
		}
	}
	m.Quota = rules.Rebind.Quota(own, d.now())
	return m, nil
}
