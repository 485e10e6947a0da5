package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"guildhall/platform/db"
)

// snapshot runs fn in a read transaction that sees one state of the log however
// long it takes: appends go on meanwhile.
func (l *Log) snapshot(ctx context.Context, fn func(tx *sql.Tx) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if l.db.Engine == db.Postgres {
		o.Isolation = sql.LevelRepeatableRead // SQLite has snapshots only
	}
	tx, err := l.db.Read.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	defer tx.Rollback()
	return fn(tx)
}

// storedHead is the head row as it stands, checked for nothing.
type storedHead struct {
	size int64
	edge []byte
	note string
}

// readHead returns nil when there is no head.
func readHead(ctx context.Context, tx *sql.Tx) (*storedHead, error) {
	var h storedHead
	err := tx.QueryRowContext(ctx, `SELECT size, edge, note FROM audit_head WHERE id = 1`).Scan(&h.size, &h.edge, &h.note)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read audit head: %w", err)
	}
	return &h, nil
}

// eachRow reads all rows in their order, one at a time.
func eachRow(ctx context.Context, tx *sql.Tx, fn func(r *row) error) error {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM audit_entries ORDER BY seq`)
	if err != nil {
		return fmt.Errorf("read audit rows: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return fmt.Errorf("read audit rows: %w", err)
		}
		if err := fn(&r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read audit rows: %w", err)
	}
	return nil
}
