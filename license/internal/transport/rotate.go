package transport

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

const (
	// Overlap is how long a key is of use after another has taken its place, how long
	// before that the next answer key is announced, and how long a configuration is good.
	Overlap = 14 * 24 * time.Hour
	week    = 7 * 24 * time.Hour
	year    = 365 * 24 * time.Hour
	// slack is how slow a client's clock may be.
	slack = 5 * time.Minute
	// maxKeys bounds the keys of a kind that are of use at once: a configuration lists
	// not many more.
	maxKeys = 16
)

// ErrTooMany says that a product has as many keys of a kind as it may have.
var ErrTooMany = fault.New(fault.Conflict, "too_many_keys", "The product has %d keys of this kind. Wait until some are over, or end those before with the new one.", maxKeys)

// stays says whether keys of the kind are good until somebody ends them: kits are built
// into programs that run for years.
func stays(kind string) bool { return kind == store.KeyRoot || kind == store.KeyKit }

var (
	// ErrNoKey says that a product has no such key, or none any more.
	ErrNoKey = fault.New(fault.NotFound, "transport_key_not_found", "The product has no such key, or it is over. List the keys of the product.")
	// ErrRoot says that the root key cannot be ended: programs have nothing else to
	// believe the server by.
	ErrRoot = fault.New(fault.Conflict, "root_key_stays", "The root key is built into programs and cannot be ended.")
)

// term is for how long a key of the kind is the newest: then another follows, which is
// made so long ahead of it.
func term(kind string) (life, ahead time.Duration) {
	if kind == store.KeyAnswer {
		return year, Overlap
	}
	return week, 0
}

func kinds() []string {
	return []string{store.KeyRoot, store.KeyAnswer, store.KeyHPKE, store.KeyPSK, store.KeyKit}
}

// plan is a key to make.
type plan struct {
	kind string
	from time.Time
}

// due plans what a product with the keys lacks.
func due(rows []store.TransportKey, now time.Time) (next []plan) {
	for _, kind := range kinds() {
		var newest time.Time
		for _, r := range rows {
			if r.Kind == kind && r.From.After(newest) {
				newest = r.From
			}
		}
		life, ahead := term(kind)
		end := newest.Add(life)
		switch {
		case newest.IsZero() || !stays(kind) && end.Before(now):
			next = append(next, plan{kind, now})
		case !stays(kind) && !now.Before(end.Add(-ahead)):
			next = append(next, plan{kind, end})
		}
	}
	return next
}

// Made makes the keys of a new product, in the transaction that makes it.
func (d *Desk) Made(ctx context.Context, tx *sql.Tx, p store.Product) error {
	return d.add(ctx, tx, p.ID, due(nil, d.now()), system)
}

var system = audit.Caller{Actor: audit.System}

// Keep makes the keys that are due, and deletes those that are over. A periodic job
// calls it every hour, and each start once.
func (d *Desk) Keep(ctx context.Context) error {
	products, err := d.o.Store.Products(ctx)
	if err != nil {
		return err
	}
	for _, p := range products {
		if err := d.keep(ctx, p.ID); err != nil {
			return err
		}
	}
	defer d.forget()
	return d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		_, err := d.o.Store.DropTransportKeys(ctx, tx, d.now())
		return err
	})
}

func (d *Desk) keep(ctx context.Context, product string) error {
	rows, err := d.o.Store.TransportKeys(ctx, product, d.now())
	if err != nil || len(due(rows, d.now())) == 0 {
		return err
	}
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		now := d.now()
		rows, err := d.o.Store.TransportKeysIn(ctx, tx, product, now)
		if err != nil {
			return err
		}
		return d.add(ctx, tx, product, due(rows, now), system)
	})
}

// Rotate makes another key of the kind at once. With end those before are of no use from
// now on: they are in wrong hands.
func (d *Desk) Rotate(ctx context.Context, product, kind string, end bool, by audit.Caller) error {
	p, err := d.o.Store.Product(ctx, product)
	if err != nil {
		return err
	}
	if kind == store.KeyRoot || !slices.Contains(kinds(), kind) {
		return fault.Fields(fault.Field{Name: "kind", Code: "key_kind_unknown", Detail: `The kind is "answer", "hpke", "psk" or "kit".`})
	}
	defer d.forget()
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		now := d.now()
		rows, err := d.o.Store.TransportKeysIn(ctx, tx, p.ID, now)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r store.TransportKey) bool { return r.Kind != kind })
		if end {
			err = d.end(ctx, tx, rows, now, by)
		} else if len(rows) >= maxKeys {
			err = ErrTooMany
		}
		if err != nil {
			return err
		}
		return d.add(ctx, tx, p.ID, []plan{{kind, now}}, by)
	})
}

// Keys are the keys of a product that are not over, by kind and age.
func (d *Desk) Keys(ctx context.Context, product string) ([]store.TransportKey, error) {
	p, err := d.o.Store.Product(ctx, product)
	if err != nil {
		return nil, err
	}
	return d.o.Store.TransportKeys(ctx, p.ID, d.now())
}

// End makes one key useless at once, and makes another if it was the last of its kind.
func (d *Desk) End(ctx context.Context, product, id string, by audit.Caller) error {
	p, err := d.o.Store.Product(ctx, product)
	if err != nil {
		return err
	}
	defer d.forget()
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		now := d.now()
		rows, err := d.o.Store.TransportKeysIn(ctx, tx, p.ID, now)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(r store.TransportKey) bool { return r.ID == id })
		switch {
		case i < 0:
			return ErrNoKey
		case rows[i].Kind == store.KeyRoot:
			return ErrRoot
		}
		if err := d.end(ctx, tx, rows[i:i+1], now, by); err != nil {
			return err
		}
		return d.add(ctx, tx, p.ID, due(slices.Delete(rows, i, i+1), now), by)
	})
}

func (d *Desk) end(ctx context.Context, tx *sql.Tx, rows []store.TransportKey, now time.Time, by audit.Caller) error {
	for _, r := range rows {
		if err := d.o.Journal.Append(ctx, tx, by, journal.KeyEnded, r.ID, map[string]any{"product": r.Product, "kind": r.Kind}); err != nil {
			return err
		}
		if err := d.o.Store.EndTransportKey(ctx, tx, r.ID, now); err != nil {
			return err
		}
	}
	return nil
}

// add makes what is planned. When a key ends is known from the beginning.
func (d *Desk) add(ctx context.Context, tx *sql.Tx, product string, plans []plan, by audit.Caller) error {
	for _, p := range plans {
		k, err := generate(p.kind, product, d.o.Key)
		if err != nil {
			return err
		}
		k.From, k.MadeAt = p.from, d.now()
		if life, _ := term(p.kind); !stays(p.kind) {
			k.To = p.from.Add(life + Overlap)
		}
		if err := d.o.Journal.Append(ctx, tx, by, journal.KeyMade, k.ID,
			map[string]any{"product": product, "kind": k.Kind, "from": k.From.Format(time.RFC3339)}); err != nil {
			return err
		}
		if err := d.o.Store.InsertTransportKey(ctx, tx, k); err != nil {
			return err
		}
	}
	return nil
}

// ForgetReplays drops what is remembered of requests that would be too old by now. A
// periodic job calls it every five minutes.
func (d *Desk) ForgetReplays(ctx context.Context) error {
	return d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		_, err := d.o.Store.ForgetReplays(ctx, tx, d.now())
		return err
	})
}
