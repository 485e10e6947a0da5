package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"guildhall/platform/db"
)

// Find is the certificate with the id or serial number, or ErrNotFound. A
// serial may be written with colons or in upper case.
func (s *Store) Find(ctx context.Context, idOrSerial string) (*Record, error) {
	return s.find(ctx, s.db.Read, idOrSerial)
}

// FindTx is Find within a write transaction.
func (s *Store) FindTx(ctx context.Context, tx *sql.Tx, idOrSerial string) (*Record, error) {
	return s.find(ctx, tx, idOrSerial)
}

func (s *Store) find(ctx context.Context, q querier, text string) (*Record, error) {
	if id := strings.ToLower(strings.TrimSpace(text)); strings.HasPrefix(id, Prefix+"_") {
		return s.one(ctx, q, `WHERE id = $1`, id)
	}
	return s.one(ctx, q, `WHERE serial = $1`, CleanSerial(text))
}

// CleanSerial brings a serial number as people and tools write it to the form
// of SerialText.
func CleanSerial(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	return strings.NewReplacer(":", "", " ", "").Replace(strings.TrimPrefix(text, "0x"))
}

// Same asks for a certificate that is as good as a new one.
type Same struct {
	Profile    string
	CommonName string
	Names      []string
	// KeyID restricts it to a public key; empty takes any.
	KeyID string
	// At is the moment at which it is valid; it is not yet expiring then.
	At time.Time
}

// FindSame is the newest valid certificate for the same names, or ErrNotFound.
// One whose key was compromised is as good as none.
func (s *Store) FindSame(ctx context.Context, w Same) (*Record, error) {
	names, err := json.Marshal(w.Names)
	if err != nil {
		return nil, fmt.Errorf("write the names: %w", err)
	}
	return s.one(ctx, s.db.Read, `WHERE common_name = $1 AND profile = $2 AND sans = $3 AND ($4 = '' OR key_id = $4)
			AND revoked_at IS NULL AND renewed_by IS NULL AND not_before <= $5 AND renew_at > $5
			AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.key_id = certificates.key_id AND c.reason = 1)
		ORDER BY issued_at DESC, id DESC LIMIT 1`, w.CommonName, w.Profile, string(names), w.KeyID, db.Micros(w.At))
}

// FindByName is the newest certificate with the common name, or ErrNotFound.
func (s *Store) FindByName(ctx context.Context, commonName string) (*Record, error) {
	return s.one(ctx, s.db.Read, `WHERE common_name = $1 ORDER BY issued_at DESC, id DESC LIMIT 1`, commonName)
}

// KeyOf is the sealed private key of a certificate; nil when it is not kept.
func (s *Store) KeyOf(ctx context.Context, id string) (sealed []byte, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT sealed_key FROM certificates WHERE id = $1`, id).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read a kept key: %w", err))
	}
	return sealed, nil
}

// HighWater is the latest moment at which a certificate was issued; zero before
// the first.
func (s *Store) HighWater(ctx context.Context) (time.Time, error) { return highWater(ctx, s.db.Read) }

func highWater(ctx context.Context, q querier) (time.Time, error) {
	var us sql.NullInt64
	if err := q.QueryRowContext(ctx, `SELECT MAX(issued_at) FROM certificates`).Scan(&us); err != nil {
		return time.Time{}, db.Coded(fmt.Errorf("read the clock's mark: %w", err))
	}
	if !us.Valid {
		return time.Time{}, nil
	}
	return db.FromMicros(us.Int64), nil
}
