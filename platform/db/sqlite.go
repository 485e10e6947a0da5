package db

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"

	"guildhall/platform/fault"
)

// busyMillis is how long SQLite waits for another process's lock. Inside this
// process nobody waits for a lock: there is one writer, and readers need none.
const busyMillis = "10000"

func (d *DB) openSQLite(ctx context.Context, path string) error {
	d.Engine = SQLite
	abs, err := filepath.Abs(path)
	if path == "" || err != nil {
		return fault.New(fault.Invalid, "db_url_invalid", "The database address of %s names no file. Write sqlite:/path/to/file.db.", d.Name)
	}
	d.Path = abs
	if err := touch(abs); err != nil {
		return err
	}
	if d.write, err = openSQLitePool(abs, 1, false); err != nil {
		return err
	}
	// The writer comes first: it turns the file to WAL.
	if err := d.write.PingContext(ctx); err != nil {
		return Coded(err)
	}
	if d.Read, err = openSQLitePool(abs, max(4, 2*runtime.NumCPU()), true); err != nil {
		return err
	}
	return Coded(d.Read.PingContext(ctx))
}

// touch makes the file when missing, for its owner only (SQLite gives its
// journal the same mode), and finds out early that it cannot be used.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Unavailable, "db_folder_missing", "There is no folder %s for the database. Make it, or correct the database address.", filepath.Dir(path)).Because(err)
	case err != nil:
		return fault.New(fault.Unavailable, "db_file_unusable", "The database file %s cannot be opened for reading and writing: %w. Check its owner and mode.", path, reason(err))
	}
	return f.Close()
}

// reason drops the operation and the path that a PathError repeats.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

func openSQLitePool(path string, conns int, readOnly bool) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(" + busyMillis + ")", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	if readOnly {
		q = url.Values{"_pragma": {"busy_timeout(" + busyMillis + ")", "query_only(1)"}}
	}
	connector, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(preparing{connector})
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, nil
}
