package directory

import (
	"context"
	"crypto/x509"
	"database/sql"
	"log/slog"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/password"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// Job is the periodic job that looks every minute whether a run is due.
const Job = "identity.directory"

const (
	// TickEvery spaces the looks.
	TickEvery = time.Minute
	// runMost is how long a run may take, and deadAfter when one that has not ended
	// is taken for dead.
	runMost   = 10 * time.Minute
	deadAfter = 15 * time.Minute
	// keepRuns is how long reports are kept.
	keepRuns = 30 * 24 * time.Hour
)

// Options is what a Service needs; all but Pages and Ranges.
type Options struct {
	DB       *db.DB
	Store    *store.Store
	Journal  *audit.Journal
	Accounts *account.Service
	Hasher   *password.Hasher
	Jobs     *jobs.Queue
	Key      seal.Key
	// Mail sends a letter when tx is committed: mail.Outbox's Send.
	Mail func(ctx context.Context, tx *sql.Tx, m mail.Message) error
	// EndSessions ends the sessions of an account but for one ("": all):
	// session.Desk's EndAll.
	EndSessions func(ctx context.Context, tx *sql.Tx, account, except string) error
	// Roots are what the certificates of servers elsewhere may end in.
	Roots func() *x509.CertPool
	// Production refuses connections without TLS altogether.
	Production bool
	Now        func() time.Time
	Log        *slog.Logger
	// Pages is how many entries are asked for at once, and Ranges how many values of
	// one attribute; 0: 500, and as many as the server likes.
	Pages, Ranges int
}

// Service keeps the settings and runs the import. It is safe for concurrent use.
type Service struct{ o Options }

// New makes a service and registers its job, so call it before the queue runs.
func New(o Options) *Service {
	if o.Pages == 0 {
		o.Pages = 500
	}
	s := &Service{o: o}
	o.Jobs.Every(Job, jobs.Interval(TickEvery), s.Tick)
	return s
}

// write runs fn in a transaction of its own in which fn may append to the journal
// at any place.
func (s *Service) write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := s.o.Journal.Begin(ctx, tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// now is the clock as the database keeps it.
func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }
