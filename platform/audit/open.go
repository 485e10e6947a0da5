package audit

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"log/slog"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/seal"
)

// OpenOptions is what Open needs; all of it but Begun.
type OpenOptions struct {
	DB *db.DB
	// Service names the log, and Key makes the key that signs it.
	Service string
	Key     seal.Key
	Now     func() time.Time
	Log     *slog.Logger
	// Begun says whether there is something that the log must have recorded.
	Begun func(ctx context.Context, tx *sql.Tx) (bool, error)
}

// Open makes the audit log of a service that has a sealing key, and brings its tables
// up to date.
func Open(ctx context.Context, o OpenOptions) (*Journal, error) {
	log, err := New(Options{DB: o.DB, Name: "guildhall-" + o.Service + "-" + o.Key.ID() + "/audit",
		Key: ed25519.NewKeyFromSeed(o.Key.Derive("audit")), Now: o.Now, Begun: o.Begun})
	if err != nil {
		return nil, err
	}
	if err := log.Migrate(ctx); err != nil {
		return nil, err
	}
	return &Journal{DB: o.DB, Audit: log, Log: o.Log}, nil
}
