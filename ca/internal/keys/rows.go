package keys

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// row is one stored key.
type row struct {
	name        string
	certificate []byte
	sealed      []byte
	sealedBy    string
}

func load(ctx context.Context, d *db.DB) (stored map[string]row, err error) {
	rows, err := d.Read.QueryContext(ctx, `SELECT name, certificate, sealed, sealed_by FROM keys`)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("load the authority's keys: %w", err))
	}
	defer func() { _ = rows.Close() }()
	stored = map[string]row{}
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.name, &r.certificate, &r.sealed, &r.sealedBy); err != nil {
			return nil, fmt.Errorf("load the authority's keys: %w", err)
		}
		stored[r.name] = r
	}
	return stored, rows.Err()
}

// save writes all keys, or none when another node has written its own.
func save(ctx context.Context, d *db.DB, all []row, now time.Time) error {
	return d.WithTx(ctx, func(tx *sql.Tx) error {
		for i, r := range all {
			res, err := tx.ExecContext(ctx, `INSERT INTO keys (name, certificate, sealed, sealed_by, made_at)
				VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING`,
				r.name, r.certificate, r.sealed, r.sealedBy, db.Micros(now))
			if err != nil {
				return fmt.Errorf("save the %s key: %w", r.name, err)
			}
			// The first insert waits for another node's transaction to end.
			if n, err := res.RowsAffected(); err != nil || n == 0 && i == 0 {
				return err
			}
		}
		return nil
	})
}
