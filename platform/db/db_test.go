package db_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

// things is a small schema for the tests of this package.
func things() fstest.MapFS {
	return fstest.MapFS{"0001_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE things (name TEXT PRIMARY KEY, n BIGINT NOT NULL CHECK (n >= 0));
`)}}
}

func insert(ctx context.Context, tx *sql.Tx, name string, n int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO things (name, n) VALUES ($1, $2)`, name, n)
	return err
}

func names(t testing.TB, d *db.DB) map[string]bool {
	t.Helper()
	rows, err := d.Read.QueryContext(context.Background(), `SELECT name FROM things`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		found[name] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWithTx(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if err := d.WithTx(ctx, func(tx *sql.Tx) error { return insert(ctx, tx, "kept", 1) }); err != nil {
			t.Fatal(err)
		}
		wanted := errors.New("no")
		err := d.WithTx(ctx, func(tx *sql.Tx) error { return errors.Join(insert(ctx, tx, "failed", 1), wanted) })
		if !errors.Is(err, wanted) {
			t.Errorf("got %v, want fn's error", err)
		}
		func() {
			defer func() {
				if v := recover(); v != "boom" {
					t.Errorf("recovered %v", v)
				}
			}()
			_ = d.WithTx(ctx, func(tx *sql.Tx) error { _ = insert(ctx, tx, "panicked", 1); panic("boom") })
		}()
		cancelled, cancel := context.WithCancel(ctx)
		err = d.WithTx(cancelled, func(tx *sql.Tx) error { defer cancel(); return insert(ctx, tx, "cancelled", 1) })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if got := names(t, d); len(got) != 1 || !got["kept"] {
			t.Errorf("stored %v, want only kept", got)
		}
	})
}

func TestIsUnique(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		write := func(name string, n int) error {
			return d.WithTx(ctx, func(tx *sql.Tx) error { return insert(ctx, tx, name, n) })
		}
		if err := write("one", 1); err != nil {
			t.Fatal(err)
		}
		if err := write("one", 2); !db.IsUnique(err) {
			t.Errorf("a repeated key is not unique's error: %v", err)
		}
		if err := write("two", -1); err == nil || db.IsUnique(err) {
			t.Errorf("a failed check is taken for a repeated key: %v", err)
		}
	})
}

func TestReadPoolRefusesToWrite(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		_, err := d.Read.ExecContext(t.Context(), `INSERT INTO things (name, n) VALUES ('x', 1)`)
		if err == nil {
			t.Fatal("the read pool wrote")
		}
		if got := db.Coded(err); !errors.Is(got, db.ErrReadOnly) {
			t.Errorf("got %v, want db_read_only", got)
		}
	})
}

func TestForeignKeysAndDurabilityOnSQLite(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), nil)
	err := d.WithTx(t.Context(), func(tx *sql.Tx) error {
		for pragma, want := range map[string]string{"foreign_keys": "1", "synchronous": "2", "journal_mode": "wal"} {
			var got string
			if err := tx.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&got); err != nil {
				return err
			}
			if got != want {
				t.Errorf("%s is %s, want %s", pragma, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the database's mode is %o", info.Mode().Perm())
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	damaged := filepath.Join(dir, "damaged.db")
	if err := os.WriteFile(damaged, []byte(strings.Repeat("not a database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, code, says string }{
		"no scheme":      {"/var/x.db", "db_url_invalid", "sqlite:/path"},
		"no file":        {"sqlite:", "db_url_invalid", "names no file"},
		"no folder":      {"sqlite:" + dir + "/missing/x.db", "db_folder_missing", dir + "/missing"},
		"a folder":       {"sqlite:" + dir, "db_file_unusable", dir},
		"not a database": {"sqlite:" + damaged, "db_damaged", "restore a backup"},
		"bad address":    {"postgres://u:hunter2@host:notaport/x", "db_url_invalid", "postgres://user@host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := db.Open(t.Context(), c.url, db.Options{Name: "test"})
			if err == nil {
				t.Fatal("it opened")
			}
			if got := fault.As(err); got.Code != c.code || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %s: %v", got.Code, err)
			}
		})
	}
}

func TestOpenNeedsAUsableName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "CA", "a b", "1a", "pg_x", `a";drop`} {
		if _, err := db.Open(t.Context(), guildtest.SQLite(t), db.Options{Name: name}); fault.As(err).Code != "db_name_invalid" {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestOpenKeepsOddPathsApart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c#d%20e.db")
	d := guildtest.Open(t, "sqlite:"+path, things())
	if err := d.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("the file named is not the one used: %v", err)
	}
}

func TestMicros(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 5, 6, 7, 8, 9, 123456000, time.FixedZone("x", 3600))
	if got := db.FromMicros(db.Micros(at)); !got.Equal(at) || got.Location() != time.UTC {
		t.Errorf("got %v, want %v in UTC", got, at)
	}
}

func TestWritesAfterCloseAreRefused(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), guildtest.SQLite(t), db.Options{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	nothing := func(*sql.Tx) error { return nil }
	if err := d.Group(t.Context(), nothing); !errors.Is(err, db.ErrClosed) {
		t.Errorf("Group: %v", err)
	}
	if err := d.WithTx(t.Context(), nothing); !errors.Is(err, db.ErrClosed) {
		t.Errorf("WithTx: %v", err)
	}
}
