package file

import (
	"context"
	"database/sql"
	"fmt"

	"guildhall/platform/blob"
)

// Clean removes the contents that nobody has needed for a day. A content is marked first:
// an upload that needs a marked one is told to wait.
func (d *Desk) Clean(ctx context.Context) error {
	now := d.now()
	if err := d.o.Journal.Write(ctx, func(tx *sql.Tx) error { return d.o.Store.CondemnContents(ctx, tx, now.Add(-kept), now) }); err != nil {
		return err
	}
	sums, err := d.o.Store.Condemned(ctx)
	if err != nil {
		return err
	}
	for _, text := range sums {
		sum, err := blob.ParseSum(text)
		if err != nil {
			return fmt.Errorf("remove a content: %w", err)
		}
		if err := d.o.Blobs.Remove(ctx, sum); err != nil {
			return err
		}
		if err := d.o.Journal.Write(ctx, func(tx *sql.Tx) error { return d.o.Store.ForgetContent(ctx, tx, text) }); err != nil {
			return err
		}
	}
	return nil
}

// Tidy removes what uploads to the place of the contents have left that never ended.
func (d *Desk) Tidy(ctx context.Context) error { return d.o.Blobs.Tidy(ctx, d.now().Add(-kept)) }

// Adopt finds contents that no row knows, which a restored database has left, and notes
// them: Clean removes them a day later, unless somebody needs them by then.
func (d *Desk) Adopt(ctx context.Context) error {
	return d.o.Blobs.Each(ctx, func(sum blob.Sum) error {
		known, err := d.o.Store.KnowsContent(ctx, sum.String())
		if err != nil || known {
			return err
		}
		return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
			_, err := d.o.Store.WantContent(ctx, tx, sum.String(), 0, d.now())
			return err
		})
	})
}
