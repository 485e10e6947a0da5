package store

import (
	"context"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Mismatches is how often other machines came with one card.
type Mismatches struct {
	Card, Prefix string
	Count        int
	First, Last  time.Time
}

// Mismatches groups the mismatches within a time by card, the last first, and says how
// many cards there are. A time that is zero is open.
func (s *Store) Mismatches(ctx context.Context, from, to time.Time, limit, offset int) (all []Mismatches, total int, err error) {
	const where = `FROM events e JOIN cards c ON c.id = e.card WHERE e.kind = 'mismatch' AND e.at >= $1 AND e.at < $2 `
	since, until := span(from, to)
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(DISTINCT e.card) `+where, since, until).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count mismatches: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list mismatches", func(row scanner) (m Mismatches, err error) {
		var first, last int64
		err = row.Scan(&m.Card, &m.Prefix, &m.Count, &first, &last)
		m.First, m.Last = db.FromMicros(first), db.FromMicros(last)
		return m, err
	}, `SELECT e.card, c.prefix, COUNT(*), MIN(e.at), MAX(e.at) `+where+`GROUP BY e.card, c.prefix ORDER BY MAX(e.at) DESC, e.card LIMIT $3 OFFSET $4`,
		since, until, limit, offset)
	return all, total, err
}
