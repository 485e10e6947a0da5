package store

import (
	"context"
	"database/sql"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrSigningKey says that a product has no such signing key.
var ErrSigningKey = fault.New(fault.NotFound, "signing_key_not_found", "The product has no such signing key.")

// The states of a signing key.
const (
	SigningNext    = "next"    // programs are to know it before it signs
	SigningCurrent = "signing" // signs
	SigningOld     = "old"     // verifies what it signed
	SigningRetired = "retired" // programs need not know it any more
	SigningRevoked = "revoked" // in wrong hands: programs must not know it any more
)

// SigningKey signs the offline licences of a product.
type SigningKey struct {
	ID, Product, State string
	// Sealed is the private half; none once it signs no more.
	Public, Sealed []byte
	// Since is when it came into its state.
	MadeAt, Since time.Time
}

const signingKeyColumns = `SELECT id, product, state, public, sealed, made_at, since_at FROM signing_keys `

func scanSigningKey(row scanner) (k SigningKey, err error) {
	var made, since int64
	err = row.Scan(&k.ID, &k.Product, &k.State, &k.Public, &k.Sealed, &made, &since)
	k.MadeAt, k.Since = db.FromMicros(made), db.FromMicros(since)
	return k, err
}

// SigningKeys are those of a product, or of all; the last made first.
func (s *Store) SigningKeys(ctx context.Context, product string) ([]SigningKey, error) {
	return signingKeys(ctx, s.db.Read, product)
}

// SigningKeysIn is SigningKeys as the transaction sees it.
func (s *Store) SigningKeysIn(ctx context.Context, tx *sql.Tx, product string) ([]SigningKey, error) {
	return signingKeys(ctx, tx, product)
}

func signingKeys(ctx context.Context, q querier, product string) ([]SigningKey, error) {
	return list(ctx, q, "list signing keys", scanSigningKey, signingKeyColumns+`WHERE ($1 = '' OR product = $1) ORDER BY product, made_at DESC, id`, product)
}

// InsertSigningKey writes a key.
func (s *Store) InsertSigningKey(ctx context.Context, tx *sql.Tx, k SigningKey) error {
	_, err := db.Change(ctx, tx, "write a signing key", `INSERT INTO signing_keys (id, product, state, public, sealed, made_at, since_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, k.ID, k.Product, k.State, k.Public, k.Sealed, db.Micros(k.MadeAt), db.Micros(k.Since))
	return err
}

// SetSigningKey brings a key into a state. The private half of one that does not sign
// any more, and will not, is removed.
func (s *Store) SetSigningKey(ctx context.Context, tx *sql.Tx, id, state string, at time.Time) error {
	_, err := db.Change(ctx, tx, "change a signing key", `UPDATE signing_keys SET state = $1, since_at = $2,
		sealed = CASE WHEN $1 IN ('next', 'signing') THEN sealed ELSE NULL END WHERE id = $3`, state, db.Micros(at), id)
	return err
}
