// Package issuer issues offline licences: it keeps the keys that sign them, reads what
// customers ask for, and records what was issued. The format is that of
// sdk/go/license/offline.
package issuer

import (
	"time"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/seal"
)

// Desk keeps signing keys and issues licences. It is safe for concurrent use.
type Desk struct {
	Store     *store.Store
	Journal   *audit.Journal
	Catalogue *catalogue.Desk
	// Key seals the signing keys.
	Key seal.Key
	Now func() time.Time
}

func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }
