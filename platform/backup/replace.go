package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"guildhall/platform/audit"
	"guildhall/platform/db"
)

// replaceSchema puts the shadow schema in the place of the service's own, in one
// transaction.
func replaceSchema(ctx context.Context, d *db.DB, service string, force bool) error {
	return d.WithTx(ctx, func(tx *sql.Tx) error {
		tables := 0
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM pg_tables WHERE schemaname = $1 AND tablename <> $2`, service, db.MarksTable).Scan(&tables)
		if err != nil {
			return fmt.Errorf("look at schema %s: %w", service, err)
		}
		if tables > 0 && !force {
			return overwrites(fmt.Sprintf("%d tables in the schema %s", tables, service))
		}
		return execIn(ctx, tx, []string{
			`DROP SCHEMA IF EXISTS ` + quote(service) + ` CASCADE`,
			`ALTER SCHEMA ` + quote(d.Name) + ` RENAME TO ` + quote(service),
		})
	})
}

// replaceDir puts the folder from in the place of the folder to, in one step;
// afterwards from is the old folder. Backups and notes in the old folder, which no
// backup holds, are in both.
func replaceDir(from, to string) error {
	for _, kept := range []string{backupsDir, audit.NotesDir} {
		if err := linkTree(filepath.Join(to, kept), filepath.Join(from, kept)); err != nil {
			return fmt.Errorf("keep the %s: %w", kept, err)
		}
	}
	if err := syncTree(from); err != nil {
		return err
	}
	var err error
	if _, missing := os.Lstat(to); errors.Is(missing, fs.ErrNotExist) {
		err = os.Rename(from, to)
	} else {
		err = exchange(from, to)
	}
	if err != nil {
		return fmt.Errorf("put the restored folder into place: %w", err)
	}
	return syncDir(filepath.Dir(to))
}

// linkTree makes every file below from known below to as well, where none has its
// name; there may be no files.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if path == from && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		err = os.Link(path, filepath.Join(to, rel)) //nolint:gosec // both are below the service's own folders
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	})
}

// replaceDatabase puts a database file in the place of another one, which may be
// on another file system, and removes that one's journal.
func replaceDatabase(from, to string) error {
	near := to + ".restoring"
	if err := os.Remove(near); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := copyFile(from, near, 0o600); err != nil {
		return errors.Join(err, os.Remove(near))
	}
	for _, journal := range []string{to + "-wal", to + "-shm"} {
		if err := os.Remove(journal); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(os.Rename(near, to), syncDir(filepath.Dir(to)))
}

// syncTree makes the folders below dir durable; the files are already.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return syncDir(path)
	})
}
