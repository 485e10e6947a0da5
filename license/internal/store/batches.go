package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrBatch says that there is no such batch.
var ErrBatch = fault.New(fault.NotFound, "batch_not_found", "There is no such batch.")

// Batch is cards that were made together.
type Batch struct {
	ID, Product, Policy, Customer string
	Days                          int
	EndsAt                        time.Time
	Note                          string
	// Wanted is how many cards were ordered, Made how many of them there are.
	Wanted, Made       int
	MadeBy             string
	MadeAt, ExportedAt time.Time
}

const batchColumns = `SELECT id, product, policy, customer, days, ends_at, note, wanted, made, made_by, made_at, exported_at FROM batches `

func scanBatch(row scanner) (b Batch, err error) {
	var customer sql.NullString
	var days, ends, exported sql.NullInt64
	var made int64
	err = row.Scan(&b.ID, &b.Product, &b.Policy, &customer, &days, &ends, &b.Note, &b.Wanted, &b.Made, &b.MadeBy, &made, &exported)
	b.Customer, b.Days, b.EndsAt, b.MadeAt, b.ExportedAt = customer.String, int(days.Int64), fromMicros(ends), db.FromMicros(made), fromMicros(exported)
	return b, err
}

// Batch is the one with the id, or ErrBatch.
func (s *Store) Batch(ctx context.Context, id string) (Batch, error) {
	return batch(ctx, s.db.Read, id)
}

// BatchIn is Batch as the transaction sees it.
func (s *Store) BatchIn(ctx context.Context, tx *sql.Tx, id string) (Batch, error) {
	return batch(ctx, tx, id)
}

func batch(ctx context.Context, q querier, id string) (Batch, error) {
	b, err := scanBatch(q.QueryRowContext(ctx, batchColumns+`WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return b, ErrBatch.Naming(id)
	}
	if err != nil {
		return b, db.Coded(fmt.Errorf("read a batch: %w", err))
	}
	return b, nil
}

// BatchQuery says which batches a list has; what is empty is any.
type BatchQuery struct {
	Product, Customer string
	Limit, Offset     int
}

// Batches lists batches, the last first, and says how many there are.
func (s *Store) Batches(ctx context.Context, q BatchQuery) (all []Batch, total int, err error) {
	const where = `WHERE ($1 = '' OR product = $1) AND ($2 = '' OR customer = $2) `
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM batches `+where, q.Product, q.Customer).Scan(&total); err != nil {
		return nil, 0, db.Coded(err)
	}
	all, err = list(ctx, s.db.Read, "list batches", scanBatch, batchColumns+where+`ORDER BY made_at DESC, id DESC LIMIT $3 OFFSET $4`, q.Product, q.Customer, q.Limit, q.Offset)
	return all, total, err
}

// InsertBatch writes a batch that has no cards yet.
func (s *Store) InsertBatch(ctx context.Context, tx *sql.Tx, b Batch) error {
	_, err := db.Change(ctx, tx, "write a batch", `INSERT INTO batches (id, product, policy, customer, days, ends_at, note, wanted, made, made_by, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10)`, b.ID, b.Product, b.Policy, text(b.Customer), sql.NullInt64{Int64: int64(b.Days), Valid: b.Days != 0},
		micros(b.EndsAt), b.Note, b.Wanted, b.MadeBy, db.Micros(b.MadeAt))
	return err
}

// AddToBatch writes the sealed keys of cards that were made after the first ones.
func (s *Store) AddToBatch(ctx context.Context, tx *sql.Tx, id string, first, count int, sealed []byte) error {
	if _, err := db.Change(ctx, tx, "write card keys", `INSERT INTO batch_keys (batch, first, sealed) VALUES ($1, $2, $3)`, id, first, sealed); err != nil {
		return err
	}
	_, err := db.Change(ctx, tx, "count a batch", `UPDATE batches SET made = made + $1 WHERE id = $2`, count, id)
	return err
}

// SealedKeys are the sealed keys of a batch, in their order; none once they were removed.
func (s *Store) SealedKeys(ctx context.Context, tx *sql.Tx, id string) (map[int][]byte, error) {
	all := map[int][]byte{}
	_, err := list(ctx, tx, "read card keys", func(row scanner) (struct{}, error) {
		var first int
		var sealed []byte
		err := row.Scan(&first, &sealed)
		all[first] = sealed
		return struct{}{}, err
	}, `SELECT first, sealed FROM batch_keys WHERE batch = $1 ORDER BY first`, id)
	return all, err
}

// MarkExported notes when the keys of a batch were exported first.
func (s *Store) MarkExported(ctx context.Context, tx *sql.Tx, id string, at time.Time) error {
	_, err := db.Change(ctx, tx, "note an export", `UPDATE batches SET exported_at = $1 WHERE id = $2 AND exported_at IS NULL`, db.Micros(at), id)
	return err
}

// DropBatchKeys removes the keys of batches that were exported until a time.
func (s *Store) DropBatchKeys(ctx context.Context, tx *sql.Tx, until time.Time) (int64, error) {
	return db.Change(ctx, tx, "remove card keys", `DELETE FROM batch_keys WHERE batch IN (SELECT id FROM batches WHERE exported_at <= $1)`, db.Micros(until))
}
