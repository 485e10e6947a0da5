package crl

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"guildhall/platform/db"
)

// state is what is known of a list without its bytes.
type state struct {
	number, published, upto int64
	thisUpdate              time.Time
}

func (p *Publisher) readState(ctx context.Context, name string) (state, error) {
	var s state
	var this int64
	err := p.db.Read.QueryRowContext(ctx, `SELECT number, published, upto_seq, this_update FROM crls WHERE name = $1`, name).
		Scan(&s.number, &s.published, &s.upto, &this)
	if errors.Is(err, sql.ErrNoRows) {
		return state{}, nil
	}
	if err != nil {
		return state{}, db.Coded(fmt.Errorf("read revocation list %s: %w", name, err))
	}
	s.thisUpdate = db.FromMicros(this)
	return s, nil
}

// lastRevocation is the newest number of the sequence under an issuer.
func (p *Publisher) lastRevocation(ctx context.Context, name string) (seq int64, err error) {
	err = p.db.Read.QueryRowContext(ctx, `SELECT seq FROM revocations WHERE issuer = $1 ORDER BY seq DESC LIMIT 1`, name).Scan(&seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, db.Coded(fmt.Errorf("read last revocation: %w", err))
	}
	return seq, nil
}

// reserve takes the next number and returns the state before, which says what
// the last published list took account of. Numbers follow the clock in seconds,
// so that they also grow when a backup with an older number is restored.
func (p *Publisher) reserve(ctx context.Context, name string, now time.Time) (state, error) {
	var s state
	var this int64
	err := p.db.WithTx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO crls (name, number, published, upto_seq, entries, this_update, next_update, der)
			VALUES ($1, $2, 0, 0, 0, 0, 0, $3)
			ON CONFLICT (name) DO UPDATE SET number = CASE WHEN crls.number < excluded.number THEN excluded.number ELSE crls.number + 1 END
			RETURNING number, published, upto_seq, this_update`, name, now.Unix(), []byte{}).Scan(&s.number, &s.published, &s.upto, &this)
	})
	if err != nil {
		return state{}, fmt.Errorf("take a number for revocation list %s: %w", name, err)
	}
	s.thisUpdate = db.FromMicros(this)
	return s, nil
}

// entries are what the next list must name, encoded: all that had not ended when
// the last list was issued, and all that was revoked since.
func (p *Publisher) entries(ctx context.Context, name string, last state) (der []byte, count, upto int64, err error) {
	known := p.known[name]
	known.mu.Lock()
	defer known.mu.Unlock()
	known.drop(last)
	if err := p.learn(ctx, name, last, known); err != nil {
		return nil, 0, 0, err
	}
	return slices.Clip(known.der), int64(len(known.list)), max(last.upto, known.upto), nil
}

// learn adds what was revoked after what is known.
func (p *Publisher) learn(ctx context.Context, name string, last state, known *entries) error {
	rows, err := p.db.Read.QueryContext(ctx, `SELECT seq, serial, reason, revoked_at, not_after FROM revocations
		WHERE issuer = $1 AND seq > $2 AND (not_after >= $3 OR seq > $4) ORDER BY seq`, name, known.upto, db.Micros(last.thisUpdate), last.upto)
	if err != nil {
		return db.Coded(fmt.Errorf("read revocations: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var e entry
		var serial string
		var reason, revokedAt int64
		if err := rows.Scan(&e.seq, &serial, &reason, &revokedAt, &e.end); err != nil {
			return fmt.Errorf("read revocations: %w", err)
		}
		if err := known.add(e, serial, reason, db.FromMicros(revokedAt)); err != nil {
			return fmt.Errorf("revocation %d: %w", e.seq, err)
		}
	}
	return db.Coded(rows.Err())
}

// save publishes a list unless a newer one, or one that knows more, stands
// there already; then it returns false.
func (p *Publisher) save(ctx context.Context, l List) (saved bool, err error) {
	err = p.db.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE crls SET published = $1, upto_seq = $2, entries = $3, this_update = $4, next_update = $5, der = $6
			WHERE name = $7 AND published < $1 AND upto_seq <= $2`,
			l.Number, l.upto, l.Entries, db.Micros(l.ThisUpdate), db.Micros(l.NextUpdate), l.DER, l.Name)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		saved = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("save revocation list %s: %w", l.Name, err)
	}
	return saved, nil
}

// load reads the published list; ErrNotFound before the first.
func (p *Publisher) load(ctx context.Context, name string) (*List, error) {
	l := &List{Name: name}
	var this, next int64
	err := p.db.Read.QueryRowContext(ctx, `SELECT published, upto_seq, entries, this_update, next_update, der
		FROM crls WHERE name = $1 AND published > 0`, name).Scan(&l.Number, &l.upto, &l.Entries, &this, &next, &l.DER)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read revocation list %s: %w", name, err))
	}
	l.ThisUpdate, l.NextUpdate = db.FromMicros(this), db.FromMicros(next)
	return l, nil
}
