package signing

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// ErrAnnounced says that every algorithm has its next key already.
var ErrAnnounced = fault.New(fault.Conflict, "keys_announced", "The next keys are published already and sign soon. If a key is in wrong hands, replace the keys instead.")

// Start makes the first keys if there are none, and opens all. Of several nodes
// that do so at once one makes them.
func (d *Desk) Start(ctx context.Context) error {
	if err := d.change(ctx, system, missing); err != nil {
		return err
	}
	_, err := d.reload(ctx, 0)
	return err
}

var system = audit.Caller{Actor: audit.System}

// Keep publishes the next keys in time, and deletes those that are gone. A
// periodic job calls it every hour.
func (d *Desk) Keep(ctx context.Context) error {
	if err := d.change(ctx, system, d.due); err != nil {
		return err
	}
	return d.retire(ctx)
}

// Rotate publishes new keys now, which sign after Options.Ahead. An algorithm
// whose next key is published already keeps it; when all have one the error is
// ErrAnnounced.
func (d *Desk) Rotate(ctx context.Context, by audit.Caller) error {
	made := false
	err := d.change(ctx, by, func(last map[string]*store.SigningKey, now time.Time) (next []plan) {
		for _, algorithm := range Algorithms() {
			if k := last[algorithm]; k == nil || !now.Before(k.ActiveFrom) {
				next = append(next, plan{algorithm: algorithm, from: now.Add(d.o.Ahead)})
			}
		}
		made = len(next) > 0
		return next
	})
	if err == nil && !made {
		err = ErrAnnounced
	}
	return err
}

// Replace is for keys in wrong hands: new ones sign at once, and the old leave
// the set at once, so that everything they signed is worth nothing here. Other
// nodes follow within seconds, others' copies of the key set when they fetch it.
func (d *Desk) Replace(ctx context.Context, by audit.Caller) error {
	return d.change(ctx, by, func(_ map[string]*store.SigningKey, now time.Time) (next []plan) {
		for _, algorithm := range Algorithms() {
			next = append(next, plan{algorithm: algorithm, from: now, replaces: true})
		}
		return next
	})
}

// plan is a key to make.
type plan struct {
	algorithm string
	// from is when it begins to sign; from then on its predecessor does not.
	from time.Time
	// replaces says that all others of the algorithm are deleted.
	replaces bool
}

// planner says which keys to make, given the last of each algorithm.
type planner func(last map[string]*store.SigningKey, now time.Time) []plan

// missing plans keys for algorithms that have none.
func missing(last map[string]*store.SigningKey, now time.Time) (next []plan) {
	for _, algorithm := range Algorithms() {
		if last[algorithm] == nil {
			next = append(next, plan{algorithm: algorithm, from: now})
		}
	}
	return next
}

// due plans keys for those whose life ends, and for the missing.
func (d *Desk) due(last map[string]*store.SigningKey, now time.Time) []plan {
	next := missing(last, now)
	for _, algorithm := range Algorithms() {
		k := last[algorithm]
		if k == nil {
			continue
		}
		if end := k.ActiveFrom.Add(d.o.Life); !now.Before(end.Add(-d.o.Ahead)) {
			next = append(next, plan{algorithm: algorithm, from: later(end, now.Add(d.o.Ahead))})
		}
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// change makes the keys that are planned.
func (d *Desk) change(ctx context.Context, by audit.Caller, plans planner) error {
	rows, err := d.o.Store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	// Making an RSA key takes long, so it is done before the others wait.
	made, err := d.make(plans(lasts(rows), d.now()))
	if err != nil || len(made) == 0 {
		return err
	}
	err = d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		rows, err := d.o.Store.SigningKeysIn(ctx, tx)
		if err != nil {
			return err
		}
		now := d.now()
		for _, p := range plans(lasts(rows), now) {
			// What another node did meanwhile makes plans fewer, never more.
			if k := made[p.algorithm]; k != nil {
				if err := d.add(ctx, tx, p, k, rows, now, by); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		d.forget()
	}
	return err
}

// lasts are the last key of each algorithm.
func lasts(rows []*store.SigningKey) map[string]*store.SigningKey {
	last := map[string]*store.SigningKey{}
	for _, r := range rows {
		last[r.Algorithm] = r
	}
	return last
}

func (d *Desk) make(plans []plan) (map[string]*store.SigningKey, error) {
	made := map[string]*store.SigningKey{}
	for _, p := range plans {
		k, err := generate(p.algorithm, d.o.Key)
		if err != nil {
			return nil, err
		}
		made[p.algorithm] = k
	}
	return made, nil
}

// add writes a new key and ends the others.
func (d *Desk) add(ctx context.Context, tx *sql.Tx, p plan, k *store.SigningKey, rows []*store.SigningKey, now time.Time, by audit.Caller) error {
	k.MadeAt, k.ActiveFrom = now, p.from
	action := journal.KeyMade
	if p.replaces {
		action = journal.KeyReplaced
		if err := d.drop(ctx, tx, slices.DeleteFunc(slices.Clone(rows), func(r *store.SigningKey) bool { return r.Algorithm != p.algorithm }), by); err != nil {
			return err
		}
	}
	if err := d.o.Journal.Append(ctx, tx, by, action, k.ID, map[string]any{"algorithm": k.Algorithm, "signs_from": p.from.Format(time.RFC3339)}); err != nil {
		return err
	}
	if err := d.o.Store.EndSigningKey(ctx, tx, k.Algorithm, p.from, p.from.Add(d.o.Keep)); err != nil {
		return err
	}
	return d.o.Store.InsertSigningKey(ctx, tx, k)
}

// retire deletes the keys that are gone.
func (d *Desk) retire(ctx context.Context) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		rows, err := d.o.Store.SigningKeysIn(ctx, tx)
		if err != nil {
			return err
		}
		now := d.now()
		return d.drop(ctx, tx, slices.DeleteFunc(rows, func(r *store.SigningKey) bool { return state(r, now) != Gone }), system)
	})
}

func (d *Desk) drop(ctx context.Context, tx *sql.Tx, rows []*store.SigningKey, by audit.Caller) error {
	for _, r := range rows {
		if err := d.o.Journal.Append(ctx, tx, by, journal.KeyRetired, r.ID, map[string]any{"algorithm": r.Algorithm}); err != nil {
			return err
		}
		if err := d.o.Store.DeleteSigningKey(ctx, tx, r.ID); err != nil {
			return err
		}
	}
	return nil
}
