// Package certificate issues, renews, revokes, verifies and hands out
// certificates: the authority's day-to-day work.
//
// What is parsed, checked and signed happens outside the transaction; inside it
// are the audit entry, the rows, and the look for what another may have changed
// meanwhile: a compromised key, a revoked predecessor. A certificate leaves the
// service only after the commit that recorded it.
package certificate

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"guildhall/ca/internal/clock"
	"guildhall/ca/internal/keys"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
)

// Options is what a Service needs.
type Options struct {
	DB        *db.DB
	Store     *store.Store
	Journal   *audit.Journal
	Keys      *keys.Keyring
	Profiles  *profile.Set
	Addresses profile.Addresses
	Guard     *clock.Guard
	Log       *slog.Logger
	// KeepKeys allows a request to have its CA-made key kept, sealed.
	KeepKeys bool
	// Changed runs in the transaction of a revocation, to queue the lists.
	Changed func(ctx context.Context, tx *sql.Tx) error
	// Announce tells the peers of a committed revocation and returns when each
	// has acknowledged it or may no longer rely on what it knew.
	Announce func(ctx context.Context, r store.Revocation) (Reach, error)
}

// Reach is how far the news of a revocation came.
type Reach struct {
	// Peers were connected, Acknowledged is how many of them confirmed.
	Peers, Acknowledged int
	// Lapsed names those that did not, and whose lease has ended instead: they
	// refuse all connections until they hear from the authority again.
	Lapsed []string
	// Took is the time until the last of them did.
	Took time.Duration
}

// Service is the authority at work. It is safe for concurrent use.
type Service struct {
	Options
	issuing keys.Pair
	slots   *semaphore.Weighted // for heavy work
}

// New makes a Service.
func New(o Options) *Service {
	return &Service{Options: o, issuing: o.Keys.Issuing(), slots: newSlots()}
}
