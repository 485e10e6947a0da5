package audit

import (
	"context"
	"database/sql"

	"guildhall/platform/db"
)

// Group is db.Group for what writes and records nothing. On PostgreSQL it begins
// with the journal all the same: batches of several nodes that lock the same rows in
// different orders would stop each other, and whoever presents one token to two nodes
// could make them. SQLite has one writer.
func (j *Journal) Group(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return j.DB.Group(ctx, func(tx *sql.Tx) error {
		if j.DB.Engine == db.Postgres {
			if err := j.Begin(ctx, tx); err != nil {
				return err
			}
		}
		return fn(tx)
	})
}

// Write runs fn as db.Group does, with the journal begun: what fn reads nobody changes
// before it is committed, and Append may follow at any place.
func (j *Journal) Write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return j.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := j.Begin(ctx, tx); err != nil {
			return err
		}
		return fn(tx)
	})
}
