package store

import (
	"context"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Counts are the numbers of the home page. Valid contains Expiring.
type Counts struct {
	Valid, Expiring, Expired, Revoked int64
}

// Counts counts the certificates by state at now.
func (s *Store) Counts(ctx context.Context, now time.Time) (Counts, error) {
	var c Counts
	var alive, revokedAlive int64
	err := s.db.Read.QueryRowContext(ctx, `SELECT
			(SELECT COUNT(*) FROM certificates WHERE not_after >= $1),
			(SELECT COUNT(*) FROM certificates WHERE not_after < $1),
			(SELECT COUNT(*) FROM certificates WHERE revoked_at IS NOT NULL),
			(SELECT COUNT(*) FROM certificates WHERE revoked_at IS NOT NULL AND not_after >= $1),
			(SELECT COUNT(*) FROM certificates WHERE not_after >= $1 AND renew_at <= $1 AND revoked_at IS NULL AND renewed_by IS NULL)`,
		db.Micros(now)).Scan(&alive, &c.Expired, &c.Revoked, &revokedAlive, &c.Expiring)
	if err != nil {
		return Counts{}, db.Coded(fmt.Errorf("count certificates: %w", err))
	}
	c.Valid = alive - revokedAlive
	return c, nil
}

// Ending yields the certificates that end in a span of time (after from, until
// to) and that nobody has revoked or renewed, of profiles other than those of
// the authority's own procedures, which renew by themselves.
func (s *Store) Ending(ctx context.Context, from, to time.Time, limit int) ([]*Record, error) {
	return collect(s.db.Read.QueryContext(ctx, `SELECT `+columns+` FROM certificates
		WHERE not_after > $1 AND not_after <= $2 AND revoked_at IS NULL AND renewed_by IS NULL AND profile NOT IN ('service', 'ocsp')
		ORDER BY not_after, id LIMIT $3`, db.Micros(from), db.Micros(to), limit))
}

// Day is how many certificates were issued on a day.
type Day struct {
	Start  time.Time
	Issued int64
}

// IssuedByDay counts for each of the UTC days that end with now's.
func (s *Store) IssuedByDay(ctx context.Context, now time.Time, days int) ([]Day, error) {
	const length = 24 * time.Hour
	first := now.UTC().Truncate(length).Add(-time.Duration(days-1) * length)
	all := make([]Day, days)
	for i := range all {
		all[i].Start = first.Add(time.Duration(i) * length)
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT (issued_at - $1) / 86400000000 AS day, COUNT(*) FROM certificates
		WHERE issued_at >= $1 AND issued_at < $2 GROUP BY 1`, db.Micros(first), db.Micros(first.Add(time.Duration(days)*length)))
	if err != nil {
		return nil, db.Coded(fmt.Errorf("count certificates by day: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var day, n int64
		if err := rows.Scan(&day, &n); err != nil {
			return nil, fmt.Errorf("count certificates by day: %w", err)
		}
		all[day].Issued = n
	}
	return all, db.Coded(rows.Err())
}
