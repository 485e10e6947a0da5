// Package store is the SQL of license, on SQLite and PostgreSQL alike.
//
// What writes takes the caller's transaction, so that an action, its audit entry and
// its jobs are one. Every such transaction begins with the journal's Begin, Append or
// Group, which put the writers of several nodes in a row: what reads and then writes
// in one transaction relies on that.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Store reads and writes the tables. It is safe for concurrent use.
type Store struct {
	db *db.DB
}

// New makes a store on the service's database.
func New(d *db.DB) *Store { return &Store{db: d} }

// Begun says whether there is a product: then the audit log must have rows.
func (s *Store) Begun(ctx context.Context, tx *sql.Tx) (begun bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM products)`).Scan(&begun)
	if err != nil {
		return false, fmt.Errorf("look for a product: %w", err)
	}
	return begun, nil
}

type scanner interface{ Scan(into ...any) error }

// querier is the database, or a transaction that has to see what it wrote.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// list reads the rows of a query. what stands in errors: "list cards".
func list[T any](ctx context.Context, q querier, what string, scan func(scanner) (T, error), query string, args ...any) (all []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("%s: %w", what, err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, db.Coded(fmt.Errorf("%s: %w", what, err))
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, db.Coded(fmt.Errorf("%s: %w", what, err))
	}
	return all, nil
}

// micros is a time that may be missing: zero is NULL.
func micros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: db.Micros(t), Valid: !t.IsZero()}
}

func fromMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return db.FromMicros(n.Int64)
}

// text is one that may be missing: empty is NULL.
func text(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
