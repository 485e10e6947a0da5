package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Counts are the numbers of the home page. Valid contains Expiring; what was
// revoked is counted as that alone.
type Counts struct {
	Valid, Expiring, Expired, Revoked int64
}

// Counts counts the certificates by state at now. Where that takes long, the
// numbers are up to a minute old.
func (s *Store) Counts(ctx context.Context, now time.Time) (Counts, error) {
	return s.counts.get(ctx, func(ctx context.Context) (Counts, error) { return s.count(ctx, now) })
}

func (s *Store) count(ctx context.Context, now time.Time) (Counts, error) {
	var c Counts
	var alive, ended, revokedAlive int64
	err := s.db.Read.QueryRowContext(ctx, `SELECT
			(SELECT COUNT(*) FROM certificates WHERE not_after >= $1),
			(SELECT COUNT(*) FROM certificates WHERE not_after < $1),
			(SELECT COUNT(*) FROM certificates WHERE revoked_at IS NOT NULL),
			(SELECT COUNT(*) FROM certificates WHERE revoked_at IS NOT NULL AND not_after >= $1),
			(SELECT COUNT(*) FROM certificates WHERE not_after >= $1 AND not_after <= $2 AND renew_at <= $1 AND revoked_at IS NULL AND renewed_by IS NULL)`,
		db.Micros(now), db.Micros(now.Add(MaxWarning))).Scan(&alive, &ended, &c.Revoked, &revokedAlive, &c.Expiring)
	if err != nil {
		return Counts{}, db.Coded(fmt.Errorf("count certificates: %w", err))
	}
	c.Valid, c.Expired = alive-revokedAlive, ended-(c.Revoked-revokedAlive)
	return c, nil
}

// Those that are looked after: nobody has revoked or renewed them, and they are
// not of the profiles that renew by themselves.
const lookedAfter = ` AND revoked_at IS NULL AND renewed_by IS NULL AND profile NOT IN ('service', 'ocsp') `

// Ending is the certificates that end in a span of time (after from, until to)
// and that nobody has revoked or renewed.
func (s *Store) Ending(ctx context.Context, from, to time.Time, limit int) ([]*Record, error) {
	return collect(s.db.Read.QueryContext(ctx, `SELECT `+columns+` FROM certificates
		WHERE not_after > $1 AND not_after <= $2`+lookedAfter+`ORDER BY not_after, id LIMIT $3`, db.Micros(from), db.Micros(to), limit))
}

// Unwarned is those of Ending, from now until before from now, for which no
// warning as late as this was given.
func (s *Store) Unwarned(ctx context.Context, now time.Time, before time.Duration, limit int) ([]*Record, error) {
	return collect(s.db.Read.QueryContext(ctx, `SELECT `+columns+` FROM certificates
		WHERE not_after > $1 AND not_after <= $2 AND (warned IS NULL OR warned > $3)`+lookedAfter+`ORDER BY not_after, id LIMIT $4`,
		db.Micros(now), db.Micros(now.Add(before)), before.Microseconds(), limit))
}

// Warned notes that a warning was given, so long before the end.
func (s *Store) Warned(ctx context.Context, tx *sql.Tx, id string, before time.Duration) error {
	if _, err := tx.ExecContext(ctx, `UPDATE certificates SET warned = $1 WHERE id = $2`, before.Microseconds(), id); err != nil {
		return fmt.Errorf("note a warning: %w", err)
	}
	return nil
}

// Day is how many certificates were issued on a day.
type Day struct {
	Start  time.Time
	Issued int64
}

// IssuedByDay counts for each of the UTC days that end with now's. Where that
// takes long, the numbers are up to a minute old. The caller must not change them.
func (s *Store) IssuedByDay(ctx context.Context, now time.Time, days int) ([]Day, error) {
	return s.days.get(ctx, func(ctx context.Context) ([]Day, error) { return s.issuedByDay(ctx, now, days) })
}

func (s *Store) issuedByDay(ctx context.Context, now time.Time, days int) ([]Day, error) {
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
