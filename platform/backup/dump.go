package backup

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"guildhall/platform/db"
)

// tablesName is the member that describes a PostgreSQL backup's tables.
const tablesName = "tables.json"

// contents are the tables and sequences of a schema.
type contents struct {
	Tables    []table    `json:"tables"`
	Sequences []sequence `json:"sequences"`
}

type table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// copyName is the member that holds the table's rows.
func (t table) copyName() string { return t.Name + ".copy" }

// target is the table with its columns, for COPY.
func (t table) target() string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = quote(c)
	}
	return quote(t.Name) + " (" + strings.Join(columns, ", ") + ")"
}

type sequence struct {
	Name   string `json:"name"`
	Last   int64  `json:"last"`
	Called bool   `json:"called"`
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// dump writes the rows of all tables in the service's schema to the folder, as
// one transaction sees them.
func dump(ctx context.Context, d *db.DB, to string) (versions map[string]int64, err error) {
	conn, err := d.Read.Conn(ctx)
	if err != nil {
		return nil, db.Coded(err)
	}
	defer func() { _ = conn.Close() }()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, db.Coded(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if versions, err = d.VersionsIn(ctx, tx); err != nil {
		return nil, err
	}
	c, err := readContents(ctx, tx)
	if err != nil {
		return nil, db.Coded(err)
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(to, tablesName), text, 0o600); err != nil {
		return nil, err
	}
	for _, t := range c.Tables {
		if err := copyOut(ctx, conn, t, filepath.Join(to, t.copyName())); err != nil {
			return nil, err
		}
	}
	return versions, nil
}

// copyOut runs on conn, whose transaction is the one of dump.
func copyOut(ctx context.Context, conn *sql.Conn, t table, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := &sink{out: f}
	err = conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().PgConn().CopyTo(ctx, out, "COPY "+t.target()+" TO STDOUT")
		return err
	})
	if out.err != nil {
		err = out.err // the disk's own words, not the connection's
	}
	if err != nil {
		err = db.Coded(fmt.Errorf("copy table %s: %w", t.Name, err))
	}
	return errors.Join(err, f.Close())
}

// sink remembers its own error, to tell a full disk from a lost server.
type sink struct {
	out io.Writer
	err error
}

// Write writes to the file.
func (s *sink) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	if err != nil {
		s.err = err
	}
	return n, err
}

// readContents looks up the schema's tables, without generated columns, and its
// sequences.
func readContents(ctx context.Context, tx *sql.Tx) (c contents, err error) {
	rows, err := tx.QueryContext(ctx, `
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> $1
	AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY c.relname, a.attnum`, db.MarksTable)
	if err != nil {
		return c, fmt.Errorf("list tables: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, column string
		if err := rows.Scan(&name, &column); err != nil {
			return c, fmt.Errorf("list tables: %w", err)
		}
		if n := len(c.Tables); n == 0 || c.Tables[n-1].Name != name {
			c.Tables = append(c.Tables, table{Name: name})
		}
		last := &c.Tables[len(c.Tables)-1]
		last.Columns = append(last.Columns, column)
	}
	if err := rows.Err(); err != nil {
		return c, fmt.Errorf("list tables: %w", err)
	}
	c.Sequences, err = readSequences(ctx, tx)
	return c, err
}

func readSequences(ctx context.Context, tx *sql.Tx) (list []sequence, err error) {
	names, err := texts(ctx, tx, `SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema() ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("list sequences: %w", err)
	}
	for _, name := range names {
		s := sequence{Name: name}
		if err := tx.QueryRowContext(ctx, `SELECT last_value, is_called FROM `+quote(name)).Scan(&s.Last, &s.Called); err != nil {
			return nil, fmt.Errorf("read sequence %s: %w", name, err)
		}
		list = append(list, s)
	}
	return list, nil
}

// texts is a query's one column.
func texts(ctx context.Context, tx *sql.Tx, query string) (list []string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}
