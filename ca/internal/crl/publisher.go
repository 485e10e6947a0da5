package crl

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/jobs"
)

// The names of the lists; each is also the issuer in the revocations table.
const (
	Issuing = "issuing"
	Root    = "root"
)

// ErrOffline is returned by Options.Signer for a key that cannot be opened now
// and need not be: the root's, day to day.
var ErrOffline = fault.New(fault.Unavailable, "crl_key_offline",
	"The key that signs this revocation list is offline. Put the root's passphrase file in its place to publish a new list.")

// ErrNotFound says that there is no list of that name yet.
var ErrNotFound = fault.New(fault.NotFound, "crl_not_found", "There is no such revocation list.")

// Signer is a certificate that may sign lists, and its key.
type Signer struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// Timing says how long a list is valid and when the next one comes. The
// difference is how long the authority may be away before clients that insist
// on a current list refuse everything.
type Timing struct {
	Validity time.Duration // nextUpdate minus thisUpdate
	Refresh  time.Duration // a new list comes at least this often
}

// The default timings. The issuing list may bridge a week; the root's changes
// hardly ever, and needs a key that is kept away.
var (
	defaultIssuing = Timing{7 * 24 * time.Hour, 12 * time.Hour}
	defaultRoot    = Timing{180 * 24 * time.Hour, 30 * 24 * time.Hour}
)

// The defaults of Options.Delay and MaxDelay.
const (
	DefaultDelay    = time.Second
	DefaultMaxDelay = time.Minute
)

// Options is what a Publisher needs. Issuing, Root, Delay and MaxDelay have
// defaults.
type Options struct {
	DB   *db.DB
	Jobs *jobs.Queue
	// Signer opens the key of a list.
	Signer func(ctx context.Context, name string) (Signer, error)
	// Now is the time to sign with; its error refuses to sign.
	Now func() (time.Time, error)
	Log *slog.Logger

	Issuing, Root Timing
	// Delay is how long after a revocation its list is built, which gathers those
	// that come in quick succession. After a list that took long to build the
	// next one waits for longer, MaxDelay at most.
	Delay, MaxDelay time.Duration
}

// Publisher builds and serves the lists. It is safe for concurrent use.
type Publisher struct {
	db              *db.DB
	jobs            *jobs.Queue
	signer          func(ctx context.Context, name string) (Signer, error)
	now             func() (time.Time, error)
	log             *slog.Logger
	timing          map[string]Timing
	delay, maxDelay time.Duration

	served map[string]*served  // both names; never changed
	known  map[string]*entries // the same
	rested atomic.Int64        // before then no other list is built, in nanoseconds
	warned atomic.Int64        // when it was last said that a key is offline
}

// New makes a Publisher and registers its jobs with the queue, which must not
// run yet.
func New(o Options) (*Publisher, error) {
	if o.DB == nil || o.Jobs == nil || o.Signer == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("crl: DB, Jobs, Signer, Now and Log are required")
	}
	if o.Issuing == (Timing{}) {
		o.Issuing = defaultIssuing
	}
	if o.Root == (Timing{}) {
		o.Root = defaultRoot
	}
	if o.Delay == 0 {
		o.Delay = DefaultDelay
	}
	if o.MaxDelay == 0 {
		o.MaxDelay = DefaultMaxDelay
	}
	p := &Publisher{db: o.DB, jobs: o.Jobs, signer: o.Signer, now: o.Now, log: o.Log, delay: o.Delay, maxDelay: o.MaxDelay,
		timing: map[string]Timing{Issuing: o.Issuing, Root: o.Root},
		served: map[string]*served{Issuing: {}, Root: {}}, known: map[string]*entries{Issuing: {}, Root: {}}}
	for name, t := range p.timing {
		if t.Refresh <= 0 || t.Refresh > t.Validity/2 {
			return nil, fault.New(fault.Invalid, "crl_timing", "The %s revocation list is valid for %v and refreshed after %v. "+
				"Refresh it before half of its validity is over.", name, t.Validity, t.Refresh)
		}
	}
	p.register()
	return p, nil
}
