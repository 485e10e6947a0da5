package card

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"guildhall/license/internal/cardid"
	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/journal"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
	"guildhall/platform/jobs"
)

const (
	// MaxBatch is how many cards are made at once.
	MaxBatch = 100_000
	// part is how many are made in one transaction.
	part = 1000
	// Again is for how long an export can be repeated: a download may break.
	Again = 15 * time.Minute

	makeKind = "license_batch"
	dropKind = "license_batch_keys"
)

// Order is what a batch is to be.
type Order struct {
	Policy, Customer string // ids; no customer: empty
	Count            int
	// Days count from the first use; 0: those of the policy. EndsAt is a fixed end; zero: none.
	Days   int
	EndsAt time.Time
	Note   string
}

// Order makes a batch. A small one has its cards at once, the others get them by and by.
// Wrong fields are called "policy", "customer", "count", "days", "ends_at" and "note".
func (d *Desk) Order(ctx context.Context, o Order, by audit.Caller) (store.Batch, error) {
	p, err := d.o.Store.Policy(ctx, o.Policy)
	if err != nil {
		return store.Batch{}, err
	}
	if o.Customer != "" {
		if _, err := d.o.Store.Customer(ctx, o.Customer); err != nil {
			return store.Batch{}, err
		}
	}
	b := store.Batch{ID: id.New("bat"), Product: p.Product, Policy: p.ID, Customer: o.Customer, Days: o.Days, EndsAt: o.EndsAt.UTC().Truncate(time.Microsecond),
		Wanted: o.Count, MadeBy: by.Actor, MadeAt: d.now()}
	if o.EndsAt.IsZero() {
		b.EndsAt = time.Time{}
	}
	if b.Note, err = catalogue.Note(o.Note); err != nil {
		return b, err
	}
	if err := d.check(b); err != nil {
		return b, err
	}
	err = d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		if err := d.o.Store.InsertBatch(ctx, tx, b); err != nil {
			return err
		}
		if err := d.o.Journal.Append(ctx, tx, by, journal.BatchOrdered, b.ID, map[string]any{"policy": b.Policy, "customer": b.Customer, "count": b.Wanted}); err != nil {
			return err
		}
		if b.Wanted <= part {
			return d.makePart(ctx, tx, b)
		}
		return d.o.Jobs.Enqueue(ctx, tx, makeKind, b.ID, jobs.EnqueueOptions{Key: b.ID})
	})
	if err == nil && b.Wanted <= part {
		b.Made = b.Wanted
	}
	return b, err
}

func (d *Desk) check(b store.Batch) error {
	var wrong []fault.Field
	if b.Wanted < 1 || b.Wanted > MaxBatch {
		wrong = append(wrong, fault.Field{Name: "count", Code: "out_of_bounds", Args: map[string]any{"Least": 1, "Most": MaxBatch},
			Detail: fmt.Sprintf("The number is from 1 to %d.", MaxBatch)})
	}
	if b.Days < 0 || b.Days > policy.MaxDays {
		wrong = append(wrong, fault.Field{Name: "days", Code: "out_of_bounds", Args: map[string]any{"Least": 0, "Most": policy.MaxDays},
			Detail: fmt.Sprintf("The number is from 0 to %d.", policy.MaxDays)})
	}
	if !b.EndsAt.IsZero() && !b.EndsAt.After(b.MadeAt) {
		wrong = append(wrong, fault.Field{Name: "ends_at", Code: "past", Detail: "The end is over already."})
	}
	if b.EndsAt.After(latest) {
		wrong = append(wrong, tooLate("ends_at"))
	}
	return fault.Fields(wrong...)
}

// makePart makes the next cards of a batch.
func (d *Desk) makePart(ctx context.Context, tx *sql.Tx, b store.Batch) error {
	n := min(b.Wanted-b.Made, part)
	keys, cards := make([]string, n), make([]store.Card, n)
	for i := range n {
		key := cardid.New()
		keys[i] = string(key)
		cards[i] = store.Card{ID: id.New("crd"), Hash: [32]byte(key.Hash()), Prefix: key.Prefix(), Product: b.Product, Policy: b.Policy, Batch: b.ID,
			Customer: b.Customer, State: store.CardNew, Days: b.Days, EndsAt: b.EndsAt, MadeAt: b.MadeAt}
	}
	if err := d.o.Store.InsertCards(ctx, tx, cards); err != nil {
		return err
	}
	text, err := json.Marshal(keys)
	if err != nil {
		return fmt.Errorf("seal card keys: %w", err)
	}
	return d.o.Store.AddToBatch(ctx, tx, b.ID, b.Made, n, d.o.Key.Seal(keysName(b.ID, b.Made), text))
}

func keysName(batch string, first int) string { return fmt.Sprintf("batch/%s/%d", batch, first) }

// Key is a card key as an export has it: the one time that it is readable.
type Key struct {
	Number int    `json:"number"`
	Key    string `json:"key"` // in groups
}

var (
	// ErrNotMade says that a batch is still being made.
	ErrNotMade = fault.New(fault.Conflict, "batch_not_made", "The cards of the batch are still being made. Try again in a moment.").After(5 * time.Second)
	// ErrExported says that the keys of a batch were exported before, and are no more.
	ErrExported = fault.New(fault.Conflict, "batch_exported", "The card keys were exported already, and are kept nowhere since. Find the file of that export, or make another batch.")
)

// Export is the keys of a batch, for the first and only time: a quarter of an hour later
// they are gone.
func (d *Desk) Export(ctx context.Context, batch string, by audit.Caller) (keys []Key, err error) {
	err = d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		b, err := d.o.Store.BatchIn(ctx, tx, batch)
		if err != nil {
			return err
		}
		switch {
		case b.Made < b.Wanted:
			return ErrNotMade
		case !b.ExportedAt.IsZero() && !d.now().Before(b.ExportedAt.Add(Again)):
			return ErrExported
		}
		sealed, err := d.o.Store.SealedKeys(ctx, tx, b.ID)
		if err != nil {
			return err
		}
		if keys, err = d.open(b.ID, sealed); err != nil {
			return err
		}
		if len(keys) == 0 {
			return ErrExported
		}
		if err := d.o.Store.MarkExported(ctx, tx, b.ID, d.now()); err != nil {
			return err
		}
		return d.o.Journal.Append(ctx, tx, by, journal.BatchExported, b.ID, map[string]any{"count": len(keys)})
	})
	return keys, err
}

func (d *Desk) open(batch string, sealed map[int][]byte) ([]Key, error) {
	var all []Key
	for first, text := range sealed {
		plain, err := d.o.Key.Open(keysName(batch, first), text)
		if err != nil {
			return nil, fmt.Errorf("open card keys: %w", err)
		}
		var keys []string
		if err := json.Unmarshal(plain, &keys); err != nil {
			return nil, fmt.Errorf("read card keys: %w", err)
		}
		for i, k := range keys {
			all = append(all, Key{first + i + 1, cardid.ID(k).Shown()})
		}
	}
	slices.SortFunc(all, func(a, b Key) int { return a.Number - b.Number })
	return all, nil
}

// CSV is an export for spreadsheets. None runs a formula of it: a number and a key begin
// with a letter or a digit, and no column holds what people typed.
func CSV(keys []Key) string {
	var b strings.Builder
	b.WriteString("number,key\r\n")
	for _, k := range keys {
		fmt.Fprintf(&b, "%d,%s\r\n", k.Number, k.Key)
	}
	return b.String()
}

func (d *Desk) registerJobs() {
	// Nobody orders a batch anew because the database was away: it is tried for weeks.
	d.o.Jobs.Handle(makeKind, jobs.HandlerOptions{MaxAttempts: 1000}, d.makeBatch)
	d.o.Jobs.Every(dropKind, jobs.Interval(time.Minute), d.dropKeys)
}

// makeBatch makes the rest of a batch, a part a transaction: what is made stays made
// when the process ends.
func (d *Desk) makeBatch(ctx context.Context, j jobs.Job) error {
	var batch string
	if err := json.Unmarshal(j.Payload, &batch); err != nil {
		return err
	}
	for {
		var left int
		err := d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
			b, err := d.o.Store.BatchIn(ctx, tx, batch)
			if err != nil {
				return err
			}
			left = b.Wanted - b.Made
			if left <= 0 {
				return nil
			}
			left -= part
			return d.makePart(ctx, tx, b)
		})
		if err != nil || left <= 0 {
			return err
		}
	}
}

func (d *Desk) dropKeys(ctx context.Context) error {
	return d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		_, err := d.o.Store.DropBatchKeys(ctx, tx, d.now().Add(-Again))
		return err
	})
}
