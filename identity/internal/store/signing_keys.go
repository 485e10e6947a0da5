package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// SigningKey is a key that signs tokens, as it is kept.
type SigningKey struct {
	ID, Algorithm string
	// Private is sealed PKCS #8, Public a JWK.
	Private []byte
	Public  string
	MadeAt  time.Time
	// It signs from ActiveFrom to ActiveTo, and leaves the published set at GoneAt.
	// Both ends are zero until another key follows it.
	ActiveFrom, ActiveTo, GoneAt time.Time
}

// SigningKeys are all signing keys, the oldest of each algorithm first.
func (s *Store) SigningKeys(ctx context.Context) ([]*SigningKey, error) {
	all, err := signingKeys(ctx, s.db.Read)
	return all, db.Coded(err)
}

// SigningKeysIn is SigningKeys in a transaction that writes.
func (s *Store) SigningKeysIn(ctx context.Context, tx *sql.Tx) ([]*SigningKey, error) {
	return signingKeys(ctx, tx)
}

func signingKeys(ctx context.Context, q querier) (all []*SigningKey, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id, algorithm, private, public, made_at, active_from, COALESCE(active_to, 0), COALESCE(gone_at, 0)
		FROM signing_keys ORDER BY algorithm, active_from, id`)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k SigningKey
		var made, from, to, gone int64
		if err := rows.Scan(&k.ID, &k.Algorithm, &k.Private, &k.Public, &made, &from, &to, &gone); err != nil {
			return nil, fmt.Errorf("read the signing keys: %w", err)
		}
		k.MadeAt, k.ActiveFrom = db.FromMicros(made), db.FromMicros(from)
		if to != 0 {
			k.ActiveTo, k.GoneAt = db.FromMicros(to), db.FromMicros(gone)
		}
		all = append(all, &k)
	}
	return all, rows.Err()
}

// InsertSigningKey writes a new key, which another is yet to follow.
func (s *Store) InsertSigningKey(ctx context.Context, tx *sql.Tx, k *SigningKey) error {
	_, err := db.Change(ctx, tx, "write a signing key",
		`INSERT INTO signing_keys (id, algorithm, private, public, made_at, active_from) VALUES ($1, $2, $3, $4, $5, $6)`,
		k.ID, k.Algorithm, k.Private, k.Public, db.Micros(k.MadeAt), db.Micros(k.ActiveFrom))
	return err
}

// EndSigningKey lets the last key of an algorithm sign until to, and leave the
// published set at gone.
func (s *Store) EndSigningKey(ctx context.Context, tx *sql.Tx, algorithm string, to, gone time.Time) error {
	_, err := db.Change(ctx, tx, "end a signing key", `UPDATE signing_keys SET active_to = $1, gone_at = $2 WHERE algorithm = $3 AND active_to IS NULL`,
		db.Micros(to), db.Micros(gone), algorithm)
	return err
}

// DeleteSigningKey deletes a key.
func (s *Store) DeleteSigningKey(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := db.Change(ctx, tx, "delete a signing key", `DELETE FROM signing_keys WHERE id = $1`, id)
	return err
}
