package store

import (
	"context"
	"database/sql"
	"time"

	"guildhall/platform/db"
)

// The kinds of transport keys.
const (
	KeyRoot   = "root"   // Ed25519: signs the configuration, and is pinned in the kit
	KeyAnswer = "answer" // Ed25519: signs answers
	KeyHPKE   = "hpke"   // X25519: requests are sealed to it
	KeyPSK    = "psk"    // shared with the clients of a product that have a card
	KeyKit    = "kit"    // shared with whoever has a kit, for years
)

// TransportKey is a key by which requests are opened or answers signed.
type TransportKey struct {
	// ID has 16 hexadecimal digits.
	ID, Product, Kind string
	Public, Sealed    []byte
	// From and To bound when it is used; To is zero for one that is ended by hand alone.
	From, To, MadeAt time.Time
}

func scanTransportKey(row scanner) (k TransportKey, err error) {
	var from, made int64
	var to sql.NullInt64
	err = row.Scan(&k.ID, &k.Product, &k.Kind, &k.Public, &k.Sealed, &from, &to, &made)
	k.From, k.To, k.MadeAt = db.FromMicros(from), fromMicros(to), db.FromMicros(made)
	return k, err
}

const transportKeyColumns = `SELECT id, product, kind, public, sealed, from_at, to_at, made_at FROM transport_keys `

// TransportKeys are those of a product, or of all, that are not over at now.
func (s *Store) TransportKeys(ctx context.Context, product string, now time.Time) ([]TransportKey, error) {
	return transportKeys(ctx, s.db.Read, product, now)
}

// TransportKeysIn is TransportKeys as the transaction sees it.
func (s *Store) TransportKeysIn(ctx context.Context, tx *sql.Tx, product string, now time.Time) ([]TransportKey, error) {
	return transportKeys(ctx, tx, product, now)
}

func transportKeys(ctx context.Context, q querier, product string, now time.Time) ([]TransportKey, error) {
	return list(ctx, q, "list transport keys", scanTransportKey, transportKeyColumns+`WHERE ($1 = '' OR product = $1) AND (to_at IS NULL OR to_at > $2)
		ORDER BY product, kind, from_at, id`, product, db.Micros(now))
}

// InsertTransportKey writes a key.
func (s *Store) InsertTransportKey(ctx context.Context, tx *sql.Tx, k TransportKey) error {
	_, err := db.Change(ctx, tx, "write a transport key", `INSERT INTO transport_keys (id, product, kind, public, sealed, from_at, to_at, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, k.ID, k.Product, k.Kind, k.Public, k.Sealed, db.Micros(k.From), micros(k.To), db.Micros(k.MadeAt))
	return err
}

// EndTransportKey says until when a key is used.
func (s *Store) EndTransportKey(ctx context.Context, tx *sql.Tx, id string, at time.Time) error {
	_, err := db.Change(ctx, tx, "end a transport key", `UPDATE transport_keys SET to_at = $1 WHERE id = $2`, db.Micros(at), id)
	return err
}

// DropTransportKeys removes keys that were over at a time: what they sealed cannot be
// opened any more by anybody.
func (s *Store) DropTransportKeys(ctx context.Context, tx *sql.Tx, before time.Time) (int64, error) {
	return db.Change(ctx, tx, "drop transport keys", `DELETE FROM transport_keys WHERE to_at <= $1`, db.Micros(before))
}

// Once notes a sealed request. False means that it was noted before.
func (s *Store) Once(ctx context.Context, tx *sql.Tx, id []byte, until time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "note a sealed request", `INSERT INTO replays (id, until_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, db.Micros(until))
	return n == 1, err
}

// ForgetReplays drops what is too old to be answered anyway.
func (s *Store) ForgetReplays(ctx context.Context, tx *sql.Tx, now time.Time) (int64, error) {
	return db.Change(ctx, tx, "forget sealed requests", `DELETE FROM replays WHERE until_at < $1`, db.Micros(now))
}
