package guildtest

import (
	"io/fs"
	"path/filepath"
	"testing"

	"guildhall/platform/db"
)

// migrationsTable is where the databases of Engines note their migrations.
const migrationsTable = "test_migrations"

// Engines runs the suite twice, as the subtests "sqlite" and "postgres", each
// on a fresh database at the newest of migrations (nil: an empty one).
func Engines(t *testing.T, migrations fs.FS, suite func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run(string(db.SQLite), func(t *testing.T) { suite(t, Open(t, SQLite(t), migrations)) })
	t.Run(string(db.Postgres), func(t *testing.T) { suite(t, Open(t, Postgres(t), migrations)) })
}

// SQLite is the address of a database file of the test's own.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// Open opens the database at url, brings it up to the newest of migrations (nil:
// none) and closes it when the test ends.
func Open(t testing.TB, url string, migrations fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url, db.Options{Name: "test"})
	if err != nil {
		t.Fatalf("open database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	if migrations == nil {
		return d
	}
	if err := d.Migrate(t.Context(), migrations, migrationsTable); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return d
}
