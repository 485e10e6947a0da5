package audit

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"guildhall/platform/db"
)

// Page sizes of List.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Filter chooses rows; its zero value means all of them, newest first.
type Filter struct {
	// Actor, Action and Subject are compared as a whole; empty means any.
	Actor, Action, Subject string
	// Text is looked for in every column, whatever its case (on SQLite, beyond
	// ASCII the case counts).
	Text string
	// Since (inclusive) and Until (exclusive) bound the time; zero means open.
	Since, Until time.Time
	// Before continues a list: only rows with a smaller number; 0 starts at the
	// newest. It is the Next of the page before.
	Before int64
	// Limit is the number of rows on a page: DefaultLimit if 0, at most
	// MaxLimit.
	Limit int
}

// Page is a part of the log, newest first.
type Page struct {
	Records []Record
	// Next is the Before of the next page; 0 when this is the last.
	Next int64
}

// List reads one page of the rows that f chooses.
func (l *Log) List(ctx context.Context, f Filter) (Page, error) {
	if f.Limit <= 0 {
		f.Limit = DefaultLimit
	}
	f.Limit = min(f.Limit, MaxLimit)
	where, args := f.where()
	// One row more than asked for tells whether there is a next page.
	query := `SELECT ` + columns + ` FROM audit_entries` + where + ` ORDER BY seq DESC LIMIT ` + strconv.Itoa(f.Limit+1) //nolint:gosec // column names and placeholders only
	rows, err := l.db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return Page{}, fmt.Errorf("list audit log: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var page Page
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return Page{}, fmt.Errorf("list audit log: %w", err)
		}
		page.Records = append(page.Records, r.record())
	}
	if err := rows.Err(); err != nil {
		return Page{}, fmt.Errorf("list audit log: %w", err)
	}
	if len(page.Records) > f.Limit {
		page.Records = page.Records[:f.Limit]
		page.Next = page.Records[f.Limit-1].Seq
	}
	return page, nil
}

func (f Filter) where() (text string, args []any) {
	var conditions []string
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	for _, c := range [...]struct{ column, value string }{{"actor", f.Actor}, {"action", f.Action}, {"subject", f.Subject}} {
		if c.value != "" {
			add(c.column+" = ?", c.value)
		}
	}
	if f.Text != "" {
		add(`lower(actor || ' ' || action || ' ' || subject || ' ' || from_ip || ' ' || detail) LIKE ? ESCAPE '\'`, pattern(f.Text))
	}
	if !f.Since.IsZero() {
		add("at >= ?", db.Micros(f.Since))
	}
	if !f.Until.IsZero() {
		add("at < ?", db.Micros(f.Until))
	}
	if f.Before > 0 {
		add("seq < ?", f.Before)
	}
	if len(conditions) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

// pattern is the LIKE pattern of a text that stands somewhere.
func pattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(text)) + "%"
}

func scan(rows *sql.Rows) (row, error) {
	var r row
	err := rows.Scan(&r.seq, &r.at, &r.actor, &r.action, &r.subject, &r.from, &r.detail, &r.leaf, &r.trees, &r.seal)
	return r, err
}
