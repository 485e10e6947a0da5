// Package catalogue keeps what a vendor decides before there is a card: products with
// their releases and handshake keys, policies, and customers.
package catalogue

import (
	"context"
	"crypto/rand"
	"database/sql"
	"time"

	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

// Desk keeps the catalogue. It is safe for concurrent use.
type Desk struct {
	Store   *store.Store
	Journal *audit.Journal
	// Key seals the handshake keys.
	Key seal.Key
	Now func() time.Time
	// Made is told of a new product, in the transaction that makes it.
	Made func(ctx context.Context, tx *sql.Tx, p store.Product) error
}

// ErrChanged says that somebody else changed it meanwhile.
var ErrChanged = fault.New(fault.Conflict, "changed_elsewhere", "Somebody else changed this meanwhile. Load it again, and do it anew.")

func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }

func secret(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}
