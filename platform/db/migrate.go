package db

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"guildhall/platform/fault"
)

// migrateWaitSeconds is how long a node waits for another one that migrates.
const migrateWaitSeconds = 600

// Folder is a folder of embedded files, such as the migrations of a service, without
// its name. It panics for a name that is no path.
func Folder(files fs.FS, name string) fs.FS {
	folder, err := fs.Sub(files, name)
	if err != nil {
		panic(err)
	}
	return folder
}

// Migrate brings the database up to the newest migration of fsys, which holds
// NNNN_name.sql at its root, each begun by the line "-- +goose Up", and notes in table what was applied. Nodes that
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
	return nil
}

// Pending says whether Migrate would change the database.
func (d *DB) Pending(ctx context.Context, fsys fs.FS, table string) (bool, error) {
	p, err := d.provider(fsys, table)
	if err != nil {
		return false, fmt.Errorf("read migrations of %s: %w", d.Name, err)
	}
	versions, err := d.Versions(ctx)
	sources := p.ListSources()
	return versions[table] < sources[len(sources)-1].Version, err
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
	versions, err := d.Versions(ctx)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	if have, known := versions[table], sources[len(sources)-1].Version; have > known {
		return fault.New(fault.Conflict, "db_newer",
			"The database of %s was written by a newer guildhall: %s is at version %d, this program knows %d. Nothing was changed. Start the newer program, or restore a backup from before the upgrade.",
			d.Name, table, have, known)
	}
	return nil
}

// Versions are the migration versions that the database is at, by goose table;
// a database that was never migrated has none.
func (d *DB) Versions(ctx context.Context) (map[string]int64, error) {
	tx, err := d.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, Coded(fmt.Errorf("read versions: %w", err))
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return d.VersionsIn(ctx, tx)
}

// VersionsIn is Versions as tx sees them.
func (d *DB) VersionsIn(ctx context.Context, tx *sql.Tx) (map[string]int64, error) {
	tables, err := versionTables(ctx, d.Engine, tx)
	if err != nil {
		return nil, Coded(fmt.Errorf("look for migration tables: %w", err))
	}
	versions := make(map[string]int64, len(tables))
	for _, table := range tables {
		var v int64
		if err := tx.QueryRowContext(ctx, newestVersion+table).Scan(&v); err != nil {
			return nil, Coded(fmt.Errorf("read version of %s: %w", table, err))
		}
		versions[table] = v
	}
	return versions, nil
}

const newestVersion = `SELECT COALESCE(MAX(version_id), 0) FROM `

// versionTables knows goose's tables by their columns.
func versionTables(ctx context.Context, e Engine, tx *sql.Tx) (tables []string, err error) {
	q := `SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.name IN ('version_id', 'is_applied') GROUP BY m.name HAVING COUNT(*) = 2 ORDER BY m.name`
	if e == Postgres {
		q = `SELECT table_name FROM information_schema.columns
			WHERE table_schema = current_schema() AND column_name IN ('version_id', 'is_applied') GROUP BY table_name HAVING COUNT(*) = 2 ORDER BY table_name`
	}
	rows, err := tx.QueryContext(ctx, q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, err
		}
		if validName.MatchString(table) {
			tables = append(tables, table)
		}
	}
	return tables, rows.Err()
}
