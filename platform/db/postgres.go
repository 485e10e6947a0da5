package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"guildhall/platform/fault"
)

const (
	// poolConns bounds each of the two pools. Seven services on one node stay
	// below PostgreSQL's default of 100 connections.
	poolConns   = 6
	poolIdle    = 5 * time.Minute
	dialTimeout = 5 * time.Second
)

func (d *DB) openPostgres(ctx context.Context, url string) error {
	d.Engine = Postgres
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		// The driver's text quotes the address; it may hold the password.
		return fault.New(fault.Invalid, "db_url_invalid",
			"The PostgreSQL address of %s cannot be read. Write postgres://user@host:5432/database.", d.Name)
	}
	cfg.RuntimeParams["search_path"] = d.Name
	cfg.RuntimeParams["application_name"] = "guildhall " + d.Name
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = dialTimeout
	}
	d.write = stdlib.OpenDB(*cfg)
	readOnly := cfg.Copy()
	readOnly.RuntimeParams["default_transaction_read_only"] = "on"
	d.Read = stdlib.OpenDB(*readOnly)
	for _, pool := range []interface {
		SetMaxOpenConns(int)
		SetMaxIdleConns(int)
		SetConnMaxIdleTime(time.Duration)
	}{d.write, d.Read} {
		pool.SetMaxOpenConns(poolConns)
		pool.SetMaxIdleConns(poolConns)
		pool.SetConnMaxIdleTime(poolIdle)
	}
	return d.ensureSchema(ctx)
}

// ensureSchema makes the service's schema and the table of marks when missing.
func (d *DB) ensureSchema(ctx context.Context) error {
	err := d.patiently(ctx, func() error {
		tx, err := d.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // nothing after the commit
		// Nodes that start at once take turns: IF NOT EXISTS alone races.
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('guildhall schema'))`); err != nil {
			return err
		}
		// It looks first, because a role may own its schema and have no right
		// to make one, and PostgreSQL asks for that right even if it exists.
		var exists bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`, d.Name).Scan(&exists); err != nil {
			return err
		}
		if !exists {
			if _, err := tx.ExecContext(ctx, `CREATE SCHEMA `+d.Name); err != nil {
				return err
			}
		}
		for _, q := range []string{makeMarks, forgetMarks} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
	if err != nil {
		return Coded(fmt.Errorf("prepare schema %s: %w", d.Name, err))
	}
	return nil
}

const (
	makeMarks = `CREATE TABLE IF NOT EXISTS ` + MarksTable + ` (
		writer TEXT PRIMARY KEY, batch BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now())`
	forgetMarks = `DELETE FROM ` + MarksTable + ` WHERE at < now() - interval '30 days'`
)
