package db

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// maxInsert bounds the rows of one INSERT. SQLite takes 32,766 parameters,
// PostgreSQL twice that; beyond some dozens of rows there is little to win.
const maxInsert = 64

// Insert writes the rows, each with one value for each column, by as few
// statements as there are bits in their number, so that the connection has few
// different ones to prepare. No rows are no statement. The error says what the
// database said; what it wrote before is undone by tx.
func (d *DB) Insert(ctx context.Context, tx *sql.Tx, table string, columns []string, rows [][]any) error {
	for len(rows) > 0 {
		n := min(1<<(bits.Len(uint(len(rows)))-1), maxInsert)
		args := make([]any, 0, n*len(columns))
		for _, values := range rows[:n] {
			if len(values) != len(columns) {
				return fmt.Errorf("insert into %s: %d values for %d columns", table, len(values), len(columns))
			}
			args = append(args, values...)
		}
		if _, err := tx.ExecContext(ctx, d.insertText(table, columns, n), args...); err != nil {
			return fmt.Errorf("insert %d rows into %s: %w", n, table, err)
		}
		rows = rows[n:]
	}
	return nil
}

func (d *DB) insertText(table string, columns []string, rows int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES ")
	b.WriteString(d.Tuples(rows, len(columns)))
	return b.String()
}

// Tuples are parameters for so many rows of so many values, "($1, $2), ($3,
// $4)", numbered from 1; on SQLite "(?, ?), (?, ?)", since it finds a numbered
// one by looking through all.
func (d *DB) Tuples(rows, values int) string {
	var b strings.Builder
	for i := range rows * values {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%values == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		if d.Engine == SQLite {
			b.WriteString("?")
		} else {
			b.WriteString("$" + strconv.Itoa(i+1))
		}
	}
	b.WriteString(")")
	return b.String()
}
