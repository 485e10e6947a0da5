package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// Taken says whether a certificate has the id, also one that Insert was given
// in the same transaction.
func (s *Store) Taken(ctx context.Context, tx *sql.Tx, id string) (bool, error) {
	b, ok := s.db.Local(tx, s, func() any { return s.gather(ctx, tx) }).(*batch)
	if !ok {
		return false, errors.New("look for an id: not a transaction of this database")
	}
	if b.err != nil {
		return false, b.err
	}
	if slices.ContainsFunc(b.records, func(r *Record) bool { return r.ID == id }) {
		return true, nil
	}
	_, err := s.FindTx(ctx, tx, id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
