// Package store is the SQL of identity: accounts, codes, attempts, sessions and
// second factors, on SQLite and PostgreSQL alike.
//
// What writes takes the caller's transaction, so that an action, its audit entry
// and its jobs are one. Every such transaction begins with journal.Begin or
// journal.Append, which puts the writers of several nodes in a row: what reads
// and then writes in one transaction relies on that.
package store

import (
	"context"
	"database/sql"
	"fmt"

	"guildhall/platform/db"
)

// Store reads and writes the tables. It is safe for concurrent use.
type Store struct {
	db *db.DB
}

// New makes a store on the service's database.
func New(d *db.DB) *Store { return &Store{db: d} }

// Begun says whether there is an account: then the audit log must have rows.
func (s *Store) Begun(ctx context.Context, tx *sql.Tx) (begun bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM accounts)`).Scan(&begun)
	if err != nil {
		return false, fmt.Errorf("look for an account: %w", err)
	}
	return begun, nil
}

type scanner interface{ Scan(into ...any) error }
