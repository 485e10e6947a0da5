package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Begun says whether a certificate was ever issued: rows are never deleted.
func (s *Store) Begun(ctx context.Context, tx *sql.Tx) (begun bool, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM certificates)`).Scan(&begun); err != nil {
		return false, fmt.Errorf("look for certificates: %w", err)
	}
	return begun, nil
}
