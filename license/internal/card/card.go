// Package card makes cards and keeps them: batches and their export, and what the
// vendor's people do to a card. What customers' programs do is package call's.
package card

import (
	"context"
	"database/sql"
	"maps"
	"time"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/id"
	"guildhall/platform/jobs"
	"guildhall/platform/seal"
)

// Options is what New needs; all of it.
type Options struct {
	Store   *store.Store
	Journal *audit.Journal
	Jobs    *jobs.Queue
	// Key seals the card keys that wait for their export.
	Key seal.Key
	Now func() time.Time
}

// Desk makes and changes cards. It is safe for concurrent use.
type Desk struct {
	o Options
}

// New makes a desk, and registers its jobs.
func New(o Options) *Desk {
	d := &Desk{o: o}
	d.registerJobs()
	return d
}

// The kinds of events on a card's time line.
const (
	Made       = "made"
	Suspended  = "suspended"
	Resumed    = "resumed"
	Revoked    = "revoked"
	Extended   = "extended"
	Unbound    = "unbound"
	Changed    = "changed"
	Binned     = "binned"
	Restored   = "restored"
	Activated  = "activated"
	Bound      = "bound"
	Drifted    = "drift"
	Mismatched = "mismatch"
	Alarm      = "alarm"
	Downloaded = "downloaded"
)

func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }

// event puts something on a card's time line.
func (d *Desk) event(ctx context.Context, tx *sql.Tx, card, kind string, by audit.Caller, detail map[string]any) error {
	all := map[string]any{"by": by.Actor}
	maps.Copy(all, detail)
	return d.o.Store.InsertEvent(ctx, tx, store.Event{ID: id.New("evt"), Card: card, Kind: kind, IP: by.From, At: d.now(), Detail: all})
}

// Known is a card as package decide sees it.
func Known(c store.Card) decide.Card {
	return decide.Card{State: decide.State(c.State), Deleted: !c.DeletedAt.IsZero(), Days: c.Days, FixedEnd: c.EndsAt, ActivatedAt: c.ActivatedAt, ExpiresAt: c.ExpiresAt, Modules: c.Modules}
}
