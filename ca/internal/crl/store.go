package crl

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
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

// entries are what the next list must name: all that had not ended when the
// last list was issued, and all that was revoked since.
func (p *Publisher) entries(ctx context.Context, name string, last state) (list []x509.RevocationListEntry, upto int64, err error) {
	rows, err := p.db.Read.QueryContext(ctx, `SELECT seq, serial, reason, revoked_at FROM revocations
		WHERE issuer = $1 AND (not_after >= $2 OR seq > $3) ORDER BY seq`, name, db.Micros(last.thisUpdate), last.upto)
	if err != nil {
		return nil, 0, db.Coded(fmt.Errorf("read revocations: %w", err))
	}
	defer func() { _ = rows.Close() }()
	upto = last.upto
	for rows.Next() {
		var seq, revokedAt int64
		var serial string
		var e x509.RevocationListEntry
		if err := rows.Scan(&seq, &serial, &e.ReasonCode, &revokedAt); err != nil {
			return nil, 0, fmt.Errorf("read revocations: %w", err)
		}
		if e.SerialNumber, err = parseSerial(serial); err != nil {
			return nil, 0, fmt.Errorf("revocation %d: %w", seq, err)
		}
		e.RevocationTime = db.FromMicros(revokedAt)
		list = append(list, e)
		upto = max(upto, seq)
	}
	return list, upto, db.Coded(rows.Err())
}

func parseSerial(text string) (*big.Int, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read serial %q: %w", text, err)
	}
	return new(big.Int).SetBytes(b), nil
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
