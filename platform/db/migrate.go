package db

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"guildhall/platform/fault"
)

// migrateWaitSeconds is how long a node waits for another one that migrates.
const migrateWaitSeconds = 600

// Migrate brings the database up to the newest migration of fsys, which holds
// NNNN_name.sql at its root, and notes in table what was applied. Nodes that
// start at once on PostgreSQL take turns. A database that a newer program wrote
// is refused with the fault db_newer and left as it is.
func (d *DB) Migrate(ctx context.Context, fsys fs.FS, table string) error {
	return d.MigrateTo(ctx, fsys, table, 0)
}

// MigrateTo is Migrate up to and including version, for a restore of a backup
// that an older program made; 0 means the newest.
func (d *DB) MigrateTo(ctx context.Context, fsys fs.FS, table string, version int64) error {
	if !validName.MatchString(table) {
		return fmt.Errorf("migrate %s: %q is no table name", d.Name, table)
	}
	p, err := d.provider(fsys, table)
	if err != nil {
		return fmt.Errorf("read migrations of %s: %w", d.Name, err)
	}
	// Provider.Close would close the pool, which is ours.
	if err := d.refuseNewer(ctx, p, table); err != nil {
		return err
	}
	if version == 0 {
		_, err = p.Up(ctx)
	} else {
		_, err = p.UpTo(ctx, version)
	}
	if err != nil {
		return Coded(fmt.Errorf("migrate %s (%s): %w", d.Name, table, err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.tables, table) {
		d.tables = append(d.tables, table)
	}
	return nil
}

func (d *DB) provider(fsys fs.FS, table string) (*goose.Provider, error) {
	options := []goose.ProviderOption{goose.WithTableName(table), goose.WithDisableGlobalRegistry(true), goose.WithSlog(d.log)}
	if d.Engine == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, d.write, fsys, options...)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, migrateWaitSeconds))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, d.write, fsys, append(options, goose.WithSessionLocker(locker))...)
}

func (d *DB) refuseNewer(ctx context.Context, p *goose.Provider, table string) error {
	has, err := d.hasTable(ctx, table)
	if err != nil || !has {
		return err
	}
	have, err := d.version(ctx, table)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	if known := sources[len(sources)-1].Version; have > known {
		return fault.New(fault.Conflict, "db_newer",
			"The database of %s was written by a newer guildhall: %s is at version %d, this program knows %d. Nothing was changed. Start the newer program, or restore a backup from before the upgrade.",
			d.Name, table, have, known)
	}
	return nil
}

// Versions are the migration versions that the database is at, by goose table,
// for the tables that Migrate was called with.
func (d *DB) Versions(ctx context.Context) (map[string]int64, error) {
	d.mu.Lock()
	tables := slices.Clone(d.tables)
	d.mu.Unlock()
	versions := make(map[string]int64, len(tables))
	for _, table := range tables {
		v, err := d.version(ctx, table)
		if err != nil {
			return nil, err
		}
		versions[table] = v
	}
	return versions, nil
}

func (d *DB) version(ctx context.Context, table string) (v int64, err error) {
	// The name passed validName.
	err = d.Read.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+table+` WHERE is_applied`).Scan(&v)
	if err != nil {
		return 0, Coded(fmt.Errorf("read version of %s: %w", table, err))
	}
	return v, nil
}

func (d *DB) hasTable(ctx context.Context, table string) (has bool, err error) {
	q := `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)`
	if d.Engine == Postgres {
		q = `SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1)`
	}
	if err := d.Read.QueryRowContext(ctx, q, table).Scan(&has); err != nil {
		return false, Coded(fmt.Errorf("look for table %s: %w", table, err))
	}
	return has, nil
}
