package transport

import (
	"context"
	"slices"
	"time"

	"guildhall/license/internal/store"
	"guildhall/sdk/go/license/sealed"
)

const (
	// reloadEvery is how old the keys in memory grow.
	reloadEvery = 10 * time.Second
	// unknownEvery spaces the reads that unknown keys and products cause.
	unknownEvery = time.Second
)

// ring is the keys of all products as they were read at one moment. It never changes.
type ring struct {
	at     time.Time
	byID   map[sealed.KeyID]*key
	byCode map[string]*bundle
	// byProduct has the same bundles by the products' ids.
	byProduct map[string]*bundle
}

// bundle is the keys of a product, by kind and age.
type bundle struct {
	product store.Product
	keys    []*key
}

// current is the newest key of a kind that has begun. When none has, the clock of the
// node that made them is ahead of ours, and it is the first. Nil: there is none at all.
func (b *bundle) current(kind string, now time.Time) (found *key) {
	for _, k := range b.keys {
		if k.Kind == kind && !k.over(now) && (found == nil || !now.Before(k.From)) {
			found = k
		}
	}
	return found
}

// opens is the key of one of the kinds that a request names, or nil. One that has not
// begun is taken: the clock of whoever told it may be ahead of ours.
func (r *ring) opens(kinds []string, id sealed.KeyID, now time.Time) *key {
	if k := r.byID[id]; k != nil && slices.Contains(kinds, k.Kind) && !k.over(now) {
		return k
	}
	return nil
}

// find is what look finds in the keys in memory, or else in those of this second.
func find[T any](ctx context.Context, d *Desk, look func(*ring) *T) (*T, error) {
	for _, life := range []time.Duration{reloadEvery, unknownEvery} {
		r, err := d.keys(ctx, life)
		if err != nil {
			return nil, err
		}
		if found := look(r); found != nil {
			return found, nil
		}
	}
	return nil, nil //nolint:nilnil // the caller knows what is missing
}

// bundleOf is the keys of a product by its code.
func (d *Desk) bundleOf(ctx context.Context, code string) (*bundle, error) {
	b, err := find(ctx, d, func(r *ring) *bundle { return r.byCode[code] })
	if err == nil && b == nil {
		err = store.ErrProduct
	}
	return b, err
}

// keys are the keys, read less than life ago.
func (d *Desk) keys(ctx context.Context, life time.Duration) (*ring, error) {
	if r := d.ring.Load(); d.fresh(r, life) {
		return r, nil
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	if r := d.ring.Load(); d.fresh(r, life) {
		return r, nil
	}
	r, err := d.read(ctx)
	if err == nil {
		d.ring.Store(r)
	}
	return r, err
}

func (d *Desk) fresh(r *ring, life time.Duration) bool {
	if r == nil {
		return false
	}
	age := d.o.Now().Sub(r.at)
	return age >= 0 && age < life
}

// forget makes the next caller read the keys.
func (d *Desk) forget() {
	d.loading.Lock()
	defer d.loading.Unlock()
	d.ring.Store(nil)
}

func (d *Desk) read(ctx context.Context) (*ring, error) {
	r := &ring{at: d.o.Now(), byID: map[sealed.KeyID]*key{}, byCode: map[string]*bundle{}, byProduct: map[string]*bundle{}}
	rows, err := d.o.Store.TransportKeys(ctx, "", d.now())
	if err != nil {
		return nil, err
	}
	// Products are read after the keys, so that every key finds its own.
	products, err := d.o.Store.Products(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range products {
		b := &bundle{product: p}
		r.byCode[p.Code], r.byProduct[p.ID] = b, b
	}
	for _, row := range rows {
		k, err := open(row, d.o.Key)
		if err != nil {
			return nil, err
		}
		r.byID[k.id] = k
		b := r.byProduct[k.Product]
		b.keys = append(b.keys, k)
	}
	return r, nil
}
