package store

import (
	"context"
	"time"

	"guildhall/platform/db"
)

// EventsPerDay counts the events of a kind on each of the days from a time on.
func (s *Store) EventsPerDay(ctx context.Context, kind string, from time.Time, days int) ([]int64, error) {
	return s.buckets(ctx, "count events by day", days, `SELECT (at - $1) / $2, COUNT(*) FROM events WHERE kind = $3 AND at >= $1 AND at < $4 GROUP BY 1`,
		db.Micros(from), (24 * time.Hour).Microseconds(), kind, db.Micros(from.AddDate(0, 0, days)))
}

// EndsPerWeek counts the cards in use that end in each of the weeks from a time on.
func (s *Store) EndsPerWeek(ctx context.Context, from time.Time, weeks int) ([]int64, error) {
	return s.buckets(ctx, "count ends by week", weeks, `SELECT (expires_at - $1) / $2, COUNT(*) FROM cards
		WHERE state = 'active' AND deleted_at IS NULL AND expires_at >= $1 AND expires_at < $3 GROUP BY 1`,
		db.Micros(from), (7 * 24 * time.Hour).Microseconds(), db.Micros(from.AddDate(0, 0, 7*weeks)))
}

// buckets are the counts by number from 0 on that a query has; those it lacks are 0.
func (s *Store) buckets(ctx context.Context, what string, n int, query string, args ...any) ([]int64, error) {
	counts := make([]int64, n)
	_, err := list(ctx, s.db.Read, what, func(row scanner) (struct{}, error) {
		var i, count int64
		err := row.Scan(&i, &count)
		if err == nil && i >= 0 && i < int64(n) {
			counts[i] = count
		}
		return struct{}{}, err
	}, query, args...)
	return counts, err
}

// CallsPerDay counts the accepted requests of each kind of call on each of the days from
// the beginning of one on.
func (s *Store) CallsPerDay(ctx context.Context, from time.Time, days int) (map[string][]int64, error) {
	calls := map[string][]int64{}
	first := from.Unix() / 3600
	_, err := list(ctx, s.db.Read, "count requests by day", func(row scanner) (struct{}, error) {
		var day, count int64
		var call string
		if err := row.Scan(&day, &call, &count); err != nil {
			return struct{}{}, err
		}
		if calls[call] == nil {
			calls[call] = make([]int64, days)
		}
		calls[call][day] = count
		return struct{}{}, nil
	}, `SELECT (hour - $1) / 24, call, CAST(SUM(count) AS BIGINT) FROM usage WHERE hour >= $1 AND hour < $2 GROUP BY 1, 2`, first, first+int64(24*days))
	return calls, err
}
