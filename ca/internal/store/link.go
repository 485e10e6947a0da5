package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"guildhall/platform/db"
)

// maxLinks bounds what one statement links.
const maxLinks = 64

// link notes the successor of each predecessor. It fails for those members whose
// predecessors are revoked.
func (s *Store) link(ctx context.Context, tx *sql.Tx, b *batch, successors map[string]string) error {
	update := func(rows int) string {
		return `UPDATE certificates SET renewed_by = link.column2 FROM (VALUES ` + s.db.Tuples(rows, 2) + `) AS link
			WHERE id = link.column1 AND revoked_at IS NULL`
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(successors)), maxLinks) {
		args := make([]any, 0, 2*len(chunk))
		for _, predecessor := range chunk {
			args = append(args, predecessor, successors[predecessor])
		}
		result, err := tx.ExecContext(ctx, update(len(chunk)), args...)
		if err != nil {
			return fmt.Errorf("link renewed certificates: %w", err)
		}
		linked, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("count the renewed certificates: %w", err)
		}
		if linked != int64(len(chunk)) {
			return s.refuseRevoked(ctx, tx, b)
		}
	}
	return nil
}

// refuseRevoked is ErrRevoked for those whose predecessors were not linked.
func (s *Store) refuseRevoked(ctx context.Context, tx *sql.Tx, b *batch) error {
	refused := &db.MembersError{Err: ErrRevoked}
	for i, r := range b.records {
		if r.Renews == "" {
			continue
		}
		var good bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM certificates WHERE id = $1 AND revoked_at IS NULL)`, r.Renews).Scan(&good)
		if err != nil {
			return fmt.Errorf("look for revoked certificates: %w", err)
		}
		if !good {
			refused.Members = append(refused.Members, b.members[i])
		}
	}
	return refused
}
