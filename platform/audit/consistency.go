package audit

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"guildhall/platform/fault"
)

// Continues proves from the stored tree hashes, without reading the log, that
// it continues a kept head (RFC 6962, section 2.1.2). It costs some 2 log2(n)
// rows and says nothing about the rows' content: that is for Verify. The error
// has the code audit_rolled_back when the log does not continue the head.
func (l *Log) Continues(ctx context.Context, kept Head) error {
	old, err := openHead(kept.Note, l.signer)
	if err != nil {
		return fmt.Errorf("read kept head: %w", err)
	}
	return l.snapshot(ctx, func(tx *sql.Tx) error {
		stored, err := readHead(ctx, tx)
		if err != nil {
			return err
		}
		if stored == nil {
			return ErrDamaged.Because(errNoHead)
		}
		now, err := openHead(stored.note, l.signer)
		if err != nil {
			return refused(err)
		}
		return prove(old, now, hashReader(ctx, tx))
	})
}

func prove(old, now Head, hashes tlog.HashReader) error {
	rolledBack := fault.New(fault.Conflict, "audit_rolled_back",
		"The audit log has %d rows and does not continue the kept head of %d rows. It was put back to an older state, or another history was written.", now.Size, old.Size)
	switch {
	case old.Size > now.Size:
		return rolledBack
	case old.Size == 0:
		return nil
	}
	proof, err := tlog.ProveTree(now.Size, old.Size, hashes)
	if err != nil {
		return rolledBack.Because(err)
	}
	if err := tlog.CheckTree(proof, now.Size, now.Root, old.Size, old.Root); err != nil {
		return rolledBack.Because(err)
	}
	return nil
}

// hashReader finds stored hashes in the rows. The hash of a subtree stands in
// the row that completes it, which is its last one, at the place of its level.
func hashReader(ctx context.Context, tx *sql.Tx) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		type place struct {
			seq   int64
			level int
		}
		places := make([]place, len(indexes))
		rows := map[int64][]tlog.Hash{}
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			places[i] = place{(n+1)<<level - 1, level}
			rows[places[i].seq] = nil
		}
		if err := readHashes(ctx, tx, rows); err != nil {
			return nil, err
		}
		out := make([]tlog.Hash, len(indexes))
		for i, p := range places {
			if p.level >= len(rows[p.seq]) {
				return nil, fmt.Errorf("row %d has no hash of level %d", p.seq, p.level)
			}
			out[i] = rows[p.seq][p.level]
		}
		return out, nil
	}
}

// readHashes fills in the hashes of the rows that are the keys of into.
func readHashes(ctx context.Context, tx *sql.Tx, into map[int64][]tlog.Hash) error {
	var places []string
	var args []any
	for seq := range into {
		args = append(args, seq)
		places = append(places, fmt.Sprintf("$%d", len(args)))
	}
	rows, err := tx.QueryContext(ctx, `SELECT seq, leaf_hash, tree_hashes FROM audit_entries WHERE seq IN (`+strings.Join(places, ", ")+`)`, args...) //nolint:gosec // placeholders only
	if err != nil {
		return fmt.Errorf("read tree hashes: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var seq int64
		var leaf, trees []byte
		if err := rows.Scan(&seq, &leaf, &trees); err != nil {
			return fmt.Errorf("read tree hashes: %w", err)
		}
		if into[seq], err = splitHashes(append(leaf, trees...)); err != nil {
			return fmt.Errorf("row %d: %w", seq, err)
		}
	}
	return rows.Err()
}
