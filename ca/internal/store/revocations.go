package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"guildhall/platform/db"
)

// Revocation is one line of the sequence of revocations. The set only grows.
type Revocation struct {
	Seq     uint64
	Serial  string
	Issuer  string
	Profile string
	// Reason is RFC 5280's number (section 5.3.1).
	Reason    int
	RevokedAt time.Time
	NotAfter  time.Time
}

// Revoke marks a certificate revoked and adds it to the sequence. The
// transaction must have appended to the audit log before, and must have read in
// it that the certificate is not revoked yet.
func (s *Store) Revoke(ctx context.Context, tx *sql.Tx, r *Record, reason int, at time.Time) (Revocation, error) {
	v := Revocation{Serial: r.Serial, Issuer: Issuing, Profile: r.Profile, Reason: reason, RevokedAt: at, NotAfter: r.NotAfter}
	_, err := tx.ExecContext(ctx, `UPDATE certificates SET revoked_at = $1, reason = $2 WHERE id = $3`, db.Micros(at), reason, r.ID)
	if err != nil {
		return v, fmt.Errorf("mark the certificate revoked: %w", err)
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO revocations (seq, serial, issuer, profile, reason, revoked_at, not_after)
		VALUES ((SELECT COALESCE(MAX(p.seq), 0) + 1 FROM revocations p), $1, $2, $3, $4, $5, $6) RETURNING seq`,
		v.Serial, v.Issuer, v.Profile, v.Reason, db.Micros(at), db.Micros(v.NotAfter)).Scan(&v.Seq)
	if err != nil {
		return v, fmt.Errorf("add to the revocations: %w", err)
	}
	return v, nil
}

const revocationColumns = `SELECT seq, serial, issuer, profile, reason, revoked_at, not_after FROM revocations `

// Revocations are those after a number of the sequence, at most limit of them,
// in order and without gaps.
func (s *Store) Revocations(ctx context.Context, after uint64, limit int) (all []Revocation, err error) {
	err = s.revocations(ctx, func(r Revocation) error { all = append(all, r); return nil },
		`WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
	return all, err
}

// RevocationOf is that of a serial number, or ErrNotFound.
func (s *Store) RevocationOf(ctx context.Context, serial string) (Revocation, error) {
	var found []Revocation
	err := s.revocations(ctx, func(r Revocation) error { found = append(found, r); return nil }, `WHERE serial = $1`, serial)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Revocation{}, err
	}
	return found[0], nil
}

// LiveRevocations yields, in order, the revocations of certificates that have
// not expired at now. An error of yield ends it and is returned.
func (s *Store) LiveRevocations(ctx context.Context, now time.Time, yield func(Revocation) error) error {
	return s.revocations(ctx, yield, `WHERE not_after >= $1 ORDER BY seq`, db.Micros(now))
}

func (s *Store) revocations(ctx context.Context, yield func(Revocation) error, rest string, args ...any) error {
	rows, err := s.db.Read.QueryContext(ctx, revocationColumns+rest, args...)
	if err != nil {
		return db.Coded(fmt.Errorf("read revocations: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r Revocation
		var at, end int64
		if err := rows.Scan(&r.Seq, &r.Serial, &r.Issuer, &r.Profile, &r.Reason, &at, &end); err != nil {
			return fmt.Errorf("read revocations: %w", err)
		}
		r.RevokedAt, r.NotAfter = db.FromMicros(at), db.FromMicros(end)
		if err := yield(r); err != nil {
			return err
		}
	}
	return db.Coded(rows.Err())
}

// LastRevocation is the newest number of the sequence; 0 before the first.
func (s *Store) LastRevocation(ctx context.Context) (seq uint64, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM revocations`).Scan(&seq)
	if err != nil {
		return 0, db.Coded(fmt.Errorf("read the last revocation: %w", err))
	}
	return seq, nil
}

// Status is what the authority says of a serial number.
type Status struct {
	Revoked   bool
	RevokedAt time.Time
	Reason    int
}

// Statuses are those of the serial numbers that are known; others are absent.
func (s *Store) Statuses(ctx context.Context, serials []string) (map[string]Status, error) {
	found := make(map[string]Status, len(serials))
	if len(serials) == 0 {
		return found, nil
	}
	marks, args := make([]string, len(serials)), make([]any, len(serials))
	for i, serial := range serials {
		marks[i], args[i] = "$"+strconv.Itoa(i+1), serial
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT serial, revoked_at, reason FROM certificates WHERE serial IN (`+strings.Join(marks, ", ")+`)`, args...) //nolint:gosec // the marks are "$1", "$2" ...
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read statuses: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var serial string
		var at, reason sql.NullInt64
		if err := rows.Scan(&serial, &at, &reason); err != nil {
			return nil, fmt.Errorf("read statuses: %w", err)
		}
		st := Status{Revoked: at.Valid, Reason: int(reason.Int64)}
		if at.Valid {
			st.RevokedAt = db.FromMicros(at.Int64)
		}
		found[serial] = st
	}
	return found, db.Coded(rows.Err())
}
