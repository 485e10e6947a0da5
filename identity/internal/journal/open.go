package journal

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/db"
)

// Options is what Open needs; all of it.
type Options struct {
	DB *db.DB
	// Key is a secret of 32 bytes that makes the log's signing key, and KeyID
	// names it: seal.Key's Derive("audit") and ID.
	Key   []byte
	KeyID string
	Now   func() time.Time
	Log   *slog.Logger
	// Begun says whether there is something that the log must have recorded.
	Begun func(ctx context.Context, tx *sql.Tx) (bool, error)
}

// Open makes the audit log and brings its tables up to date.
func Open(ctx context.Context, o Options) (*audit.Journal, error) {
	if len(o.Key) != ed25519.SeedSize {
		return nil, fmt.Errorf("the key of the audit log has %d bytes and not %d", len(o.Key), ed25519.SeedSize)
	}
	log, err := audit.New(audit.Options{DB: o.DB, Name: "guildhall-identity-" + o.KeyID + "/audit",
		Key: ed25519.NewKeyFromSeed(o.Key), Now: o.Now, Begun: o.Begun})
	if err != nil {
		return nil, err
	}
	if err := log.Migrate(ctx); err != nil {
		return nil, err
	}
	return &audit.Journal{DB: o.DB, Audit: log, Log: o.Log}, nil
}
