package signing

import (
	"context"
	"encoding/json"
	"time"

	"guildhall/identity/internal/store"
)

const (
	// reloadEvery is how old the keys in memory grow: so long may a node sign and
	// verify with a key that another has replaced.
	reloadEvery = 10 * time.Second
	// unknownEvery spaces the reads that unknown key ids cause.
	unknownEvery = time.Second
	// maxStale is how long a node goes on when the database cannot be read.
	maxStale = 5 * time.Minute
)

// ring is the keys as they were read at one moment. It never changes.
type ring struct {
	at time.Time
	// keys are by age.
	keys []*key
	byID map[string]*key
}

// signs is the key of the algorithm that signs at now: the last that has begun
// to. When none has, the clock of the node that made them is ahead of ours, and
// it is the first. Nil: there is none at all.
func (r *ring) signs(algorithm string, now time.Time) (signs *key) {
	for _, k := range r.keys {
		if k.Algorithm == algorithm && (signs == nil || !now.Before(k.ActiveFrom)) {
			signs = k
		}
	}
	return signs
}

// published is the key with the id if others may know it at now, or nil.
func (r *ring) published(id string, now time.Time) *key {
	if k := r.byID[id]; k != nil && state(&k.SigningKey, now) != Gone {
		return k
	}
	return nil
}

// set is the JWK set at now.
func (r *ring) set(now time.Time) ([]byte, error) {
	set := struct {
		Keys []json.RawMessage `json:"keys"`
	}{Keys: []json.RawMessage{}}
	for _, k := range r.keys {
		if state(&k.SigningKey, now) != Gone {
			set.Keys = append(set.Keys, json.RawMessage(k.Public))
		}
	}
	return json.Marshal(set)
}

// keys are the keys, read at most reloadEvery ago. While one caller reads them
// again the others go on with those that there are.
func (d *Desk) keys(ctx context.Context) (*ring, error) {
	r := d.ring.Load()
	if d.fresh(r, reloadEvery) {
		return r, nil
	}
	usable := d.fresh(r, maxStale)
	if !d.loading.TryLock() {
		if usable {
			return r, nil
		}
		d.loading.Lock()
	}
	defer d.loading.Unlock()
	next, err := d.read(ctx, reloadEvery)
	if err != nil && usable {
		if ctx.Err() != nil {
			return r, nil // the caller is gone, not the database
		}
		d.o.Log.WarnContext(ctx, "the signing keys were not read again; those in memory serve on for a few minutes", "err", err)
		return r, nil
	}
	return next, err
}

// reload reads the keys unless somebody did so less than life ago.
func (d *Desk) reload(ctx context.Context, life time.Duration) (*ring, error) {
	d.loading.Lock()
	defer d.loading.Unlock()
	return d.read(ctx, life)
}

// read is reload for who holds d.loading.
func (d *Desk) read(ctx context.Context, life time.Duration) (*ring, error) {
	old := d.ring.Load()
	if d.fresh(old, life) {
		return old, nil
	}
	r := &ring{at: d.o.Now(), byID: map[string]*key{}}
	rows, err := d.o.Store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		k, err := d.opened(old, row)
		if err != nil {
			return nil, err
		}
		r.keys, r.byID[k.ID] = append(r.keys, k), k
	}
	d.ring.Store(r)
	return r, nil
}

// forget makes the next caller read the keys.
func (d *Desk) forget() {
	d.loading.Lock()
	defer d.loading.Unlock()
	d.ring.Store(nil)
}

func (d *Desk) fresh(r *ring, life time.Duration) bool {
	if r == nil {
		return false
	}
	age := d.o.Now().Sub(r.at)
	return age >= 0 && age < life
}

// opened is the key of a row. Its times may be new; opening it again would be
// slow.
func (d *Desk) opened(old *ring, row *store.SigningKey) (*key, error) {
	if old != nil {
		if k := old.byID[row.ID]; k != nil {
			return &key{*row, k.pair}, nil
		}
	}
	return open(row, d.o.Key)
}
