package app

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"guildhall/platform/backup"
)

// backupsOf are the backups of the service "notes", oldest first.
func backupsOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "backups", "notes", "*.backup"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// backedUp waits for the backup that the process makes in the background.
func backedUp(t *testing.T, p *process, dir string, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for len(backupsOf(t, dir)) < want {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("backups %v, wanted %d; the log: %s", backupsOf(t, dir), want, p.log)
		}
	}
}

func TestARestartBacksUpAndKeepsData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := run(t, dir)
	if !p.announced.FirstStart || p.announced.Link == "" {
		t.Fatalf("first start: %+v", p.announced)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if files := backupsOf(t, dir); len(files) != 0 {
		t.Fatalf("backups of nothing: %v", files)
	}
	again := run(t, dir)
	if again.announced.FirstStart || again.announced.Link != "" {
		t.Fatalf("second start: %+v", again.announced)
	}
	backedUp(t, again, dir, 1)
}

// TestAnUpgradeIsPrecededByABackup starts a program with one migration more: its
// backup is there before the service is made, and holds the database as it was.
func TestAnUpgradeIsPrecededByABackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := run(t, dir)
	err := p.env.DB.Group(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO notes (id, body) VALUES ('1', 'kept')`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	var before []string
	upgraded := runAs(t, dir, func(d *Definition) {
		d.Migrations = fstest.MapFS{"0001_notes.sql": &fstest.MapFile{Data: []byte(notesMigration)},
			"0002_author.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE notes ADD COLUMN author TEXT;\n")}}
		newService := d.New
		d.New = func(ctx context.Context, env Env) (*Service, error) {
			before = backupsOf(t, dir)
			return newService(ctx, env)
		}
	})
	if len(before) != 1 {
		t.Fatalf("backups before the service was made: %v", before)
	}
	m, err := backup.Inspect(before[0], "")
	if err != nil || m.Migrations[serviceTable] != 1 {
		t.Errorf("the backup is of version %d, %v", m.Migrations[serviceTable], err)
	}
	var text string
	if err := upgraded.env.DB.Read.QueryRowContext(t.Context(), `SELECT body FROM notes WHERE author IS NULL`).Scan(&text); err != nil || text != "kept" {
		t.Errorf("after the upgrade: %q, %v", text, err)
	}
	if files := backupsOf(t, dir); len(files) != 1 {
		t.Errorf("a second backup was made: %v", files)
	}
}
