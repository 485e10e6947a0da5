package backup_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/backup"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

var at = time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)

// schema is a small bank: tables that refer to each other both ways, seeded
// rows, bytes, JSON and a unique index.
func schema(version int) []backup.Migrations {
	fsys := fstest.MapFS{"0001_bank.sql": {Data: []byte(`-- +goose Up
CREATE TABLE accounts (name TEXT PRIMARY KEY, parent TEXT REFERENCES accounts (name), amount BIGINT NOT NULL CHECK (amount >= 0), picture BYTEA);
CREATE TABLE actions (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (name), detail JSONB NOT NULL, open BOOLEAN NOT NULL);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO settings (name, value) VALUES ('currency', 'seeded');
`)}}
	for v := 2; v <= version; v++ {
		fsys[fmt.Sprintf("%04d_more.sql", v)] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- +goose Up\nCREATE TABLE more%d (n BIGINT);\n", v)}
	}
	return []backup.Migrations{{Table: "bank_migrations", FS: fsys}}
}

// world is a service with data on one engine.
type world struct {
	url, dir, to string
	d            *db.DB
}

// engines runs the suite for a service on each engine.
func engines(t *testing.T, suite func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "bank")
		suite(t, newWorld(t, dir, "sqlite:"+filepath.Join(dir, "bank.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		suite(t, newWorld(t, filepath.Join(t.TempDir(), "bank"), guildtest.Postgres(t)))
	})
}

func newWorld(t *testing.T, dir, url string) *world {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w := &world{url: url, dir: dir, to: filepath.Join(filepath.Dir(dir), "backups", "bank")}
	w.open(t)
	return w
}

func (w *world) open(t *testing.T) {
	t.Helper()
	d, err := db.Open(t.Context(), w.url, db.Options{Name: "bank"})
	if err != nil {
		t.Fatal(err)
	}
	w.d = d
	t.Cleanup(func() { _ = d.Close() }) // again, when the test has closed it
	for _, set := range schema(1) {
		if err := d.Migrate(t.Context(), set.FS, set.Table); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) source() backup.Source { return backup.Source{Service: "bank", Dir: w.dir, DB: w.d} }

// note is what tells of a restore.
func note() audit.Note {
	return audit.Note{ID: "note_1", At: at, By: audit.Caller{Actor: "local:root"}, Action: audit.BackupRestored, Subject: "bank.backup"}
}

func (w *world) target() backup.Target {
	return backup.Target{Service: "bank", Dir: w.dir, URL: w.url, Migrations: schema(1), Note: note()}
}

// create makes a backup at the time that all these tests happen.
func (w *world) create(t *testing.T, recipient string) string {
	t.Helper()
	file, err := backup.Create(t.Context(), w.source(), backup.Options{To: w.to, Recipient: recipient, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// fill writes data that is awkward to save.
func (w *world) fill(t *testing.T, label string) {
	t.Helper()
	w.exec(t, `INSERT INTO accounts (name, parent, amount, picture) VALUES ($1, NULL, 5, $2)`, label, []byte{0, 1, 2, '\n', '\\', 0xff})
	w.exec(t, `INSERT INTO accounts (name, parent, amount, picture) VALUES ($1, $2, 9007199254740993, NULL)`, label+"\tzażółć 公会\\N\r\n", label)
	w.exec(t, `UPDATE accounts SET parent = $1 WHERE name = $2`, label+"\tzażółć 公会\\N\r\n", label)
	w.exec(t, `INSERT INTO actions (id, account, detail, open) VALUES ($1, $2, $3, TRUE)`, label+"-1", label, `{"a": [1, "x"]}`)
	w.exec(t, `UPDATE settings SET value = $1 WHERE name = 'currency'`, label)
	for name, mode := range map[string]fs.FileMode{"seal.key": 0o600, "keys/" + label + ".pem": 0o640} {
		path := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name+" of "+label), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	err := w.d.WithTx(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(context.Background(), query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// answers is all that the service could say: its rows and its files.
func (w *world) answers(t *testing.T) []string {
	t.Helper()
	list := files(t, w.dir)
	for _, q := range []string{
		`SELECT name, COALESCE(parent, 'none'), CAST(amount AS TEXT), picture FROM accounts ORDER BY name`,
		`SELECT id, account, CAST(detail AS TEXT), CAST(open AS TEXT) FROM actions ORDER BY id`,
		`SELECT name, value, '', '' FROM settings ORDER BY name`,
		`SELECT CAST(version_id AS TEXT), CAST(tstamp AS TEXT), '', '' FROM bank_migrations ORDER BY id`,
	} {
		rows, err := w.d.Read.QueryContext(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var a, b, c string
			var d []byte
			if err := rows.Scan(&a, &b, &c, &d); err != nil {
				t.Fatal(err)
			}
			list = append(list, fmt.Sprintf("%q %q %q %q", a, b, c, d))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// files lists the files of a folder other than databases and notes, with mode and content.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Name() == audit.NotesDir {
			return fs.SkipDir
		}
		if err != nil || e.IsDir() || filepath.Ext(path) == ".db" || filepath.Ext(path) == ".db-wal" || filepath.Ext(path) == ".db-shm" {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		list = append(list, fmt.Sprintf("%s %v %s", path, info.Mode(), text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
