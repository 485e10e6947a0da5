package backup

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// shadow is the schema in which a restored service is built before it takes the
// place of the old one.
func shadow(service string) string { return service + "_restore" }

// load builds the service anew in the shadow schema, from the members in dir.
// The caller closes the database it returns.
func load(ctx context.Context, t Target, m Manifest, dir string) (d *db.DB, err error) {
	d, err = db.Open(ctx, t.URL, db.Options{Name: shadow(t.Service), Log: t.Log})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	// A restore that was killed may have left something.
	if err := execAll(ctx, d, `DROP SCHEMA `+quote(d.Name)+` CASCADE`, `CREATE SCHEMA `+quote(d.Name)); err != nil {
		return nil, err
	}
	for _, set := range t.Migrations {
		version, saved := m.Migrations[set.Table]
		if !saved || version == 0 {
			continue // the service's next start makes it
		}
		if err := d.MigrateTo(ctx, set.FS, set.Table, version); err != nil {
			return nil, err
		}
	}
	return d, fill(ctx, d, dir)
}

func execAll(ctx context.Context, d *db.DB, statements ...string) error {
	return d.WithTx(ctx, func(tx *sql.Tx) error { return execIn(ctx, tx, statements) })
}

func execIn(ctx context.Context, tx *sql.Tx, statements []string) error {
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// fill replaces all rows by those of the backup. Foreign keys are taken off
// meanwhile, so that the order of the tables does not matter, and checked when
// they are put back; triggers do not fire, for they did when the rows were made.
func fill(ctx context.Context, d *db.DB, dir string) error {
	c, err := readTables(dir)
	if err != nil {
		return err
	}
	conn, err := d.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return db.Coded(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing after the commit
	if err := fillIn(ctx, conn, tx, c, dir); err != nil {
		return db.Coded(fmt.Errorf("load rows: %w", err))
	}
	return db.Coded(tx.Commit())
}

// fillIn does fill's work in tx, which is conn's.
func fillIn(ctx context.Context, conn *sql.Conn, tx *sql.Tx, c contents, dir string) error {
	off, on, err := aside(ctx, tx, c)
	if err != nil {
		return err
	}
	if err := execIn(ctx, tx, off); err != nil {
		return err
	}
	for _, t := range c.Tables {
		if err := copyIn(ctx, conn, t, filepath.Join(dir, t.copyName())); err != nil {
			return err
		}
	}
	for _, s := range c.Sequences {
		if _, err := tx.ExecContext(ctx, `SELECT setval($1::text::regclass, $2, $3)`, quote(s.Name), s.Last, s.Called); err != nil {
			return fmt.Errorf("set sequence %s: %w", s.Name, err)
		}
	}
	return execIn(ctx, tx, on)
}

func readTables(dir string) (c contents, err error) {
	text, err := os.ReadFile(filepath.Join(dir, tablesName))
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}

// aside are the statements that make the schema's tables ready to be filled,
// and those that undo it.
func aside(ctx context.Context, tx *sql.Tx, saved contents) (off, on []string, err error) {
	here, err := readContents(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range here.Tables {
		if !slices.ContainsFunc(saved.Tables, func(s table) bool { return s.Name == t.Name }) {
			return nil, nil, mismatch("the program's migrations make a table %s that the backup does not have", t.Name)
		}
		off = append(off, `ALTER TABLE `+quote(t.Name)+` DISABLE TRIGGER USER`)
		on = append(on, `ALTER TABLE `+quote(t.Name)+` ENABLE TRIGGER USER`)
	}
	drops, err := texts(ctx, tx, `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
		FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype = 'f' ORDER BY 1`)
	if err != nil {
		return nil, nil, fmt.Errorf("list foreign keys: %w", err)
	}
	adds, err := texts(ctx, tx, `SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype = 'f' ORDER BY 1`)
	if err != nil {
		return nil, nil, fmt.Errorf("list foreign keys: %w", err)
	}
	off = append(off, drops...)
	for _, t := range here.Tables {
		off = append(off, `DELETE FROM `+quote(t.Name)) // what migrations put there
	}
	return off, append(adds, on...), nil
}

func copyIn(ctx context.Context, conn *sql.Conn, t table, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	err = conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().PgConn().CopyFrom(ctx, f, "COPY "+t.target()+" FROM STDIN")
		return err
	})
	if err != nil {
		return fmt.Errorf("fill table %s: %w", t.Name, err)
	}
	return nil
}

func mismatch(format string, args ...any) error {
	f := fault.New(fault.Invalid, ErrMismatch.Code, format, args...)
	f.Detail = "The backup does not fit: " + strings.TrimSuffix(f.Detail, ".") + ". Nothing was changed."
	return f
}
