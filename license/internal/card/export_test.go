package card

import (
	"context"
	"database/sql"
	"encoding/json"

	"guildhall/platform/jobs"
)

// MakeBatch is the job that makes the rest of a batch, MakePart one of its parts.
func (d *Desk) MakeBatch(ctx context.Context, batch string) error {
	payload, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	return d.makeBatch(ctx, jobs.Job{Payload: payload})
}

// MakePart makes one part of a batch.
func (d *Desk) MakePart(ctx context.Context, batch string) error {
	return d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		b, err := d.o.Store.BatchIn(ctx, tx, batch)
		if err != nil {
			return err
		}
		return d.makePart(ctx, tx, b)
	})
}

// DropKeys is the job that removes exported keys.
func (d *Desk) DropKeys(ctx context.Context) error { return d.dropKeys(ctx) }
