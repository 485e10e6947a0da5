package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"time"

	"guildhall/platform/db"
)

// CompromisedError says that a certificate for the same public key was revoked
// because others may know the private one (RFC 5280's reason 1).
type CompromisedError struct {
	// Serial and RevokedAt are of the one that was revoked first.
	Serial    string
	RevokedAt time.Time
}

// Error names the certificate.
func (e *CompromisedError) Error() string {
	return "the key of the certificate " + e.Serial + " was revoked as compromised"
}

// refuseCompromised fails for those members of the batch whose certificates are
// for compromised keys, by one statement for all. Whoever revokes appends to the
// audit log first, so that until the commit nobody else does.
func (s *Store) refuseCompromised(ctx context.Context, tx *sql.Tx, b *batch) error {
	found, err := s.compromised(ctx, tx, b.records)
	if err != nil || len(found) == 0 {
		return err
	}
	refused := &db.MembersError{}
	for i, r := range b.records {
		if e, ok := found[r.KeyID]; ok {
			refused.Members, refused.Err = append(refused.Members, b.members[i]), e
		}
	}
	return refused
}

// compromised are the keys of the certificates that are so, by their id.
func (s *Store) compromised(ctx context.Context, tx *sql.Tx, records []*Record) (map[string]*CompromisedError, error) {
	if len(records) == 0 { // the transaction only asked for an id
		return nil, nil
	}
	// The last is repeated up to a power of two, so that the connection has few
	// different statements to prepare.
	keys := make([]any, 1<<bits.Len(uint(len(records)-1)))
	for i := range keys {
		keys[i] = records[min(i, len(records)-1)].KeyID
	}
	rows, err := tx.QueryContext(ctx, compromisedQuery+s.db.Tuples(1, len(keys)), keys...)
	if err != nil {
		return nil, fmt.Errorf("look for compromised keys: %w", err)
	}
	defer func() { _ = rows.Close() }()
	found := map[string]*CompromisedError{}
	for rows.Next() {
		var key string
		var e CompromisedError
		var at int64
		if err := rows.Scan(&key, &e.Serial, &at); err != nil {
			return nil, fmt.Errorf("look for compromised keys: %w", err)
		}
		e.RevokedAt = db.FromMicros(at)
		if first, ok := found[key]; !ok || e.RevokedAt.Before(first.RevokedAt) {
			found[key] = &e
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for compromised keys: %w", err)
	}
	return found, nil
}

// The reason stands in the text, so that the index certificates_compromised serves.
const compromisedQuery = `SELECT key_id, serial, revoked_at FROM certificates WHERE reason = 1 AND key_id IN `
