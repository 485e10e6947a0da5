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

// ensureSchema makes the service's schema when missing. It looks first, because a
// role may own its schema and have no right to make one.
func (d *DB) ensureSchema(ctx context.Context) error {
	var exists bool
	err := d.patiently(ctx, func() error {
		return d.write.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`, d.Name).Scan(&exists)
	})
	if err != nil {
		return Coded(fmt.Errorf("look for schema %s: %w", d.Name, err))
	}
	if !exists {
		_, err = d.write.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+d.Name)
	}
	if err != nil && !madeMeanwhile(err) {
		return Coded(fmt.Errorf("make schema %s: %w", d.Name, err))
	}
	return d.ensureMarks(ctx)
}
