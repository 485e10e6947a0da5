package db

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	"guildhall/platform/fault"
)

// SnapshotTo writes a consistent copy of a SQLite database to a new file while
// writers go on, checks the copy's integrity, and returns the migration versions
// that it holds. The caller syncs the file.
func (d *DB) SnapshotTo(ctx context.Context, path string) (versions map[string]int64, err error) {
	// The read pool may not write and the write pool's one connection is
	// needed for writing.
	if err := vacuumInto(ctx, d.Path, path); err != nil {
		return nil, Coded(fmt.Errorf("copy database: %w", err))
	}
	return d.checkSnapshot(ctx, path)
}

func vacuumInto(ctx context.Context, from, to string) error {
	pool, err := openSQLiteFile(from)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	_, err = pool.ExecContext(ctx, `VACUUM INTO $1`, to)
	return err
}

func (d *DB) checkSnapshot(ctx context.Context, path string) (map[string]int64, error) {
	pool, err := openSQLiteFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = pool.Close() }()
	var verdict string
	if err := pool.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return nil, Coded(fmt.Errorf("check the copy: %w", err))
	}
	if verdict != "ok" {
		return nil, fault.New(fault.Internal, ErrDamaged.Code, "The copy of the database failed its integrity check: %s. Check the disk, and the database with sqlite3's .recover.", verdict)
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return d.VersionsIn(ctx, tx)
}

// openSQLiteFile opens a file as it is: no setting of it is changed.
func openSQLiteFile(path string) (*sql.DB, error) {
	q := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(" + busyMillis + ")"}}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	return pool, nil
}
