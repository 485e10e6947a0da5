package feed

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/peer"
)

// lease is what the database knows of a subscriber.
type lease struct {
	subscriber peer.Subscriber
	acked      uint64
	until      time.Time
}

// leases is the table feed_subscribers.
type leases struct{ db *db.DB }

// save makes a lease known. It never shortens one.
func (l leases) save(ctx context.Context, x lease) error {
	err := l.db.Group(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO feed_subscribers (instance, service, acked, lease_until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (instance) DO UPDATE SET service = excluded.service, acked = excluded.acked,
			lease_until = CASE WHEN excluded.lease_until > feed_subscribers.lease_until THEN excluded.lease_until ELSE feed_subscribers.lease_until END`,
			x.subscriber.Instance, x.subscriber.Service, int64(x.acked), db.Micros(x.until)) //nolint:gosec // sequence numbers are counts
		return err
	})
	if err != nil {
		return fmt.Errorf("save the lease of %s: %w", x.subscriber.Service, err)
	}
	return nil
}

func (l leases) remove(ctx context.Context, s peer.Subscriber) error {
	err := l.db.Group(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM feed_subscribers WHERE instance = $1`, s.Instance)
		return err
	})
	if err != nil {
		return fmt.Errorf("end the lease of %s: %w", s.Service, err)
	}
	return nil
}

// prune removes leases that ended before a time.
func (l leases) prune(ctx context.Context, before time.Time) error {
	err := l.db.Group(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM feed_subscribers WHERE lease_until < $1`, db.Micros(before))
		return err
	})
	if err != nil {
		return fmt.Errorf("remove ended leases: %w", err)
	}
	return nil
}

func (l leases) all(ctx context.Context) (list []lease, err error) {
	rows, err := l.db.Read.QueryContext(ctx, `SELECT service, instance, acked, lease_until FROM feed_subscribers`)
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var x lease
		var until int64
		if err := rows.Scan(&x.subscriber.Service, &x.subscriber.Instance, &x.acked, &until); err != nil {
			return nil, fmt.Errorf("read leases: %w", err)
		}
		x.until = db.FromMicros(until)
		list = append(list, x)
	}
	return list, rows.Err()
}
