package card

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"time"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/journal"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// done is what was done to a card.
type done struct {
	event, action string
	detail        map[string]any
}

// change does something to a card: the card, its time line and the audit log are
// written together.
func (d *Desk) change(ctx context.Context, card string, by audit.Caller, fn func(tx *sql.Tx, c *store.Card) (done, error)) (c store.Card, err error) {
	err = d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		if c, err = d.o.Store.CardIn(ctx, tx, card); err != nil {
			return err
		}
		what, err := fn(tx, &c)
		if err != nil || what.action == "" {
			return err
		}
		set, err := d.o.Store.SetCard(ctx, tx, c)
		if err != nil {
			return err
		}
		if !set {
			return catalogue.ErrChanged
		}
		c.Revision++
		if err := d.event(ctx, tx, c.ID, what.event, by, what.detail); err != nil {
			return err
		}
		logged := maps.Clone(what.detail)
		delete(logged, "reason") // what people wrote is not for a log that cannot forget
		return d.o.Journal.Append(ctx, tx, by, what.action, c.ID, logged)
	})
	return c, err
}

func reasoned(reason string) (map[string]any, error) {
	reason, err := catalogue.Note(reason)
	if err != nil {
		return nil, err
	}
	return map[string]any{"reason": reason}, nil
}

// repeated says whether a card that is stopped was stopped for the reason, or none is given:
// then nothing is to be written.
func (d *Desk) repeated(ctx context.Context, tx *sql.Tx, card, event string, detail map[string]any) (bool, error) {
	if detail["reason"] == "" {
		return true, nil
	}
	last, err := d.o.Store.EventsIn(ctx, tx, card, event, time.Time{}, 1)
	return len(last) == 1 && last[0].Detail["reason"] == detail["reason"], err
}

// Suspend stops a card for now. One that is suspended stays so, and gets another reason if
// there is one.
func (d *Desk) Suspend(ctx context.Context, card, reason string, by audit.Caller) (store.Card, error) {
	detail, err := reasoned(reason)
	if err != nil {
		return store.Card{}, err
	}
	return d.change(ctx, card, by, func(tx *sql.Tx, c *store.Card) (done, error) {
		switch c.State {
		case store.CardSuspended:
			if same, err := d.repeated(ctx, tx, c.ID, Suspended, detail); same || err != nil {
				return done{}, err
			}
		case store.CardRevoked:
			return done{}, needs(unrevoked, c)
		}
		c.State = store.CardSuspended
		return done{Suspended, journal.CardSuspended, detail}, nil
	})
}

// Resume lets a suspended card go on.
func (d *Desk) Resume(ctx context.Context, card string, by audit.Caller) (store.Card, error) {
	return d.change(ctx, card, by, func(_ *sql.Tx, c *store.Card) (done, error) {
		if c.State != store.CardSuspended {
			return done{}, needs(store.CardSuspended, c)
		}
		c.State = store.CardActive
		if c.ActivatedAt.IsZero() {
			c.State = store.CardNew
		}
		return done{Resumed, journal.CardResumed, nil}, nil
	})
}

// Revoke stops a card for good. Another reason is kept as by Suspend.
func (d *Desk) Revoke(ctx context.Context, card, reason string, by audit.Caller) (store.Card, error) {
	detail, err := reasoned(reason)
	if err != nil {
		return store.Card{}, err
	}
	return d.change(ctx, card, by, func(tx *sql.Tx, c *store.Card) (done, error) {
		if c.State == store.CardRevoked {
			if same, err := d.repeated(ctx, tx, c.ID, Revoked, detail); same || err != nil {
				return done{}, err
			}
		}
		c.State = store.CardRevoked
		return done{Revoked, journal.CardRevoked, detail}, nil
	})
}

// Extend moves the end of a card: by days, from now when it is over, or to a time. A
// card that was not used yet gets more days, or the time as its fixed end. Wrong fields
// are called "days" and "until".
func (d *Desk) Extend(ctx context.Context, card string, days int, until time.Time, by audit.Caller) (store.Card, error) {
	until = until.UTC().Truncate(time.Microsecond)
	byTime := days == 0
	switch {
	case !byTime && (days < 1 || days > policy.MaxDays):
		return store.Card{}, fault.Fields(fault.Field{Name: "days", Code: "out_of_bounds", Args: map[string]any{"Least": 1, "Most": policy.MaxDays},
			Detail: fmt.Sprintf("The number is from 1 to %d.", policy.MaxDays)})
	case byTime && !until.After(d.now()):
		return store.Card{}, fault.Fields(fault.Field{Name: "until", Code: "past", Detail: "Give days, or an end that is not over."})
	}
	field := "days"
	if byTime {
		field = "until"
	}
	return d.change(ctx, card, by, func(tx *sql.Tx, c *store.Card) (done, error) {
		if c.State == store.CardRevoked {
			return done{}, needs(unrevoked, c)
		}
		was := c.ExpiresAt
		if c.ActivatedAt.IsZero() {
			was = c.EndsAt
		}
		switch {
		case !c.ActivatedAt.IsZero() && byTime:
			c.ExpiresAt = until
		case !c.ActivatedAt.IsZero():
			if c.ExpiresAt.IsZero() {
				return done{}, errEndless()
			}
			c.ExpiresAt = later(c.ExpiresAt, d.now()).AddDate(0, 0, days)
		case byTime:
			c.EndsAt = until
		default:
			p, err := d.o.Store.Policy(ctx, c.Policy)
			if err != nil {
				return done{}, err
			}
			if err := d.moreDays(c, p, days); err != nil {
				return done{}, err
			}
		}
		if later(c.ExpiresAt, c.EndsAt).After(latest) {
			return done{}, fault.Fields(tooLate(field))
		}
		return done{Extended, journal.CardExtended, map[string]any{"days": days, "was": stamp(was), "is": stamp(firstSet(c.ExpiresAt, c.EndsAt))}}, nil
	})
}

// latest is the last end of a card: the years of JSON have four digits.
var latest = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

func tooLate(field string) fault.Field {
	return fault.Field{Name: field, Code: "too_late", Detail: "The end is too far away: the latest is 8999-12-31."}
}

func errEndless() error {
	return fault.Fields(fault.Field{Name: "days", Code: "endless", Detail: "The card has no end that could be moved."})
}

// moreDays extends a card that was not used yet: its fixed end, and its days where its
// end is counted from the first use.
func (d *Desk) moreDays(c *store.Card, p store.Policy, days int) error {
	rules, err := policy.Parse([]byte(p.Body))
	if err != nil {
		return err
	}
	fixed := !c.EndsAt.IsZero()
	if fixed {
		c.EndsAt = later(c.EndsAt, d.now()).AddDate(0, 0, days)
	}
	switch mode := rules.Time.Mode; {
	case mode == policy.Until && !fixed:
		return errEndless()
	case mode == policy.Until, mode == policy.Subscription && fixed:
		return nil
	}
	if c.Days == 0 {
		c.Days = rules.Time.Days
	}
	c.Days = min(c.Days+days, policy.MaxDays)
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func firstSet(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// Change gives a card another policy of its product, another customer (empty: none) and
// another note.
func (d *Desk) Change(ctx context.Context, card, policyID, customer, note string, by audit.Caller) (store.Card, error) {
	note, err := catalogue.Note(note)
	if err != nil {
		return store.Card{}, err
	}
	if customer != "" {
		if _, err := d.o.Store.Customer(ctx, customer); err != nil {
			return store.Card{}, err
		}
	}
	p, err := d.o.Store.Policy(ctx, policyID)
	if err != nil {
		return store.Card{}, err
	}
	return d.change(ctx, card, by, func(_ *sql.Tx, c *store.Card) (done, error) {
		if p.Product != c.Product {
			return done{}, fault.Fields(fault.Field{Name: "policy", Code: "other_product", Detail: "The policy is one of another product."})
		}
		detail := map[string]any{}
		for name, v := range map[string][2]string{"policy": {c.Policy, p.ID}, "customer": {c.Customer, customer}} {
			if v[0] != v[1] {
				detail[name] = map[string]any{"old": v[0], "new": v[1]}
			}
		}
		if len(detail) == 0 && c.Note == note {
			return done{}, nil
		}
		c.Policy, c.Customer, c.Note = p.ID, customer, note
		return done{Changed, journal.CardChanged, detail}, nil
	})
}

// Bin puts a card into the recycle bin, where it is as good as unknown; Restore takes
// it out again.
func (d *Desk) Bin(ctx context.Context, card string, by audit.Caller) (store.Card, error) {
	return d.change(ctx, card, by, func(_ *sql.Tx, c *store.Card) (done, error) {
		if !c.DeletedAt.IsZero() {
			return done{}, nil
		}
		c.DeletedAt = d.now()
		return done{Binned, journal.CardBinned, nil}, nil
	})
}

// Restore takes a card out of the recycle bin.
func (d *Desk) Restore(ctx context.Context, card string, by audit.Caller) (store.Card, error) {
	return d.change(ctx, card, by, func(_ *sql.Tx, c *store.Card) (done, error) {
		if c.DeletedAt.IsZero() {
			return done{}, nil
		}
		c.DeletedAt = time.Time{}
		return done{Restored, journal.CardRestored, nil}, nil
	})
}
