package peer

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Skew is how far the clocks of two hosts may differ. The authority waits that
// much longer than a lease, and a head from further in the future is refused.
const Skew = time.Second

// The ways in which a certificate, a head or a list is refused.
var (
	// ErrRevoked is returned by Check for a revoked certificate.
	ErrRevoked = errors.New("the certificate is revoked")
	// ErrStale is returned by Check when the last head is older than its lease.
	ErrStale = errors.New("the revocation state is unknown")
	// ErrGap is returned by Apply when a head covers revocations that have not
	// come. Ask for what is missing.
	ErrGap = errors.New("revocations are missing before this head")
	// ErrMismatch is returned by Apply when what came is not what the authority
	// signed. It is dropped; ask for a snapshot.
	ErrMismatch = errors.New("the revocations are not those that the authority signed")
	// ErrRolledBack is returned by Apply for a head that takes revocations back.
	ErrRolledBack = errors.New("the authority's revocation list went back: its database was restored from a backup, or two authorities share a key; revoke again what was revoked since, then restart this service")
	// ErrClock is returned by Apply for a head from the future.
	ErrClock = errors.New("the clocks of this host and the authority differ; set them by NTP")
)

// Revocations is what a process knows of revoked certificates. Check is safe to
// call from anywhere and never waits; Apply may be called from several
// goroutines.
type Revocations struct {
	now   func() time.Time
	lease time.Duration
	view  atomic.Pointer[view]

	mu      sync.Mutex
	key     ed25519.PublicKey
	pending map[uint64]Revocation // come, and not yet covered by a head
	base    *Base                 // the snapshot that pending belongs to, if any
	wanted  *Head                 // the newest head that pending does not yet reach
	news    chan struct{}         // closed by the next revocation that counts
	closed  bool
}

// view is one immutable state.
type view struct {
	head Head
	set  set
	// end is the time from which the head is stale: with a monotonic reading,
	// so that setting the clock back prolongs nothing; wall is the same for a
	// host that slept, which stops the monotonic clock.
	end  time.Time
	wall int64
}

// NewRevocations makes an empty state, which is stale until the first head. The
// lease bounds how long a head is believed, beside what the head itself says.
func NewRevocations(lease time.Duration, now func() time.Time) *Revocations {
	r := &Revocations{now: now, lease: lease, pending: map[uint64]Revocation{}, news: make(chan struct{})}
	r.view.Store(&view{set: emptySet()})
	return r
}

// Trust sets the key that heads must be signed with.
func (r *Revocations) Trust(key ed25519.PublicKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key = key
}

// Check refuses a chain when the state is stale or one of its certificates is
// revoked. It allocates nothing when all is well.
func (r *Revocations) Check(chain []*x509.Certificate) error {
	v := r.view.Load()
	if !v.fresh(r.now()) {
		return r.staleness(v)
	}
	return v.check(chain)
}

// CheckListed is Check without regard to the age of the state.
func (r *Revocations) CheckListed(chain []*x509.Certificate) error { return r.view.Load().check(chain) }

// Fresh is nil, or an ErrStale that says since when nothing was heard.
func (r *Revocations) Fresh() error {
	if v := r.view.Load(); !v.fresh(r.now()) {
		return r.staleness(v)
	}
	return nil
}

// News is closed when the next revocation counts.
func (r *Revocations) News() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.news
}

// Sequence is the number of the last revocation that counts.
func (r *Revocations) Sequence() uint64 { return r.view.Load().head.Sequence }

// Size is the number of revoked certificates known.
func (r *Revocations) Size() int { return r.view.Load().set.size }

// StaleIn is how long the state will stay fresh without another head; zero or
// less means that it is stale.
func (r *Revocations) StaleIn() time.Duration {
	v, now := r.view.Load(), r.now()
	if !v.fresh(now) {
		return 0
	}
	return v.end.Sub(now)
}

// Close makes the state stale for good.
func (r *Revocations) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	v := *r.view.Load()
	v.end, v.wall = time.Time{}, 0
	r.view.Store(&v)
}

func (v *view) fresh(now time.Time) bool { return now.Before(v.end) && now.UnixMicro() < v.wall }

func (v *view) check(chain []*x509.Certificate) error {
	for _, cert := range chain {
		k, ok := serialOf(cert)
		if !ok {
			return fmt.Errorf("%w: the serial number of %q is longer than %d bytes", ErrRevoked, cert.Subject.CommonName, maxSerial)
		}
		if entry, ok := v.set.get(k); ok {
			return fmt.Errorf("%w: serial %s of %q, revoked at %s", ErrRevoked, entry.Serial, cert.Subject.CommonName, entry.revokedAt().Format(time.RFC3339))
		}
	}
	return nil
}

func (r *Revocations) staleness(v *view) error {
	if v.head.Issued.IsZero() {
		return fmt.Errorf("%w: nothing was heard from the authority yet", ErrStale)
	}
	age := r.now().Sub(v.head.Issued).Round(time.Millisecond)
	return fmt.Errorf("%w: the authority's last word is %s old, the lease is %s", ErrStale, age, v.head.lease(r.lease))
}

// lease is how long the head is believed by one whose own bound is limit.
func (h Head) lease(limit time.Duration) time.Duration { return min(limit, h.StaleAfter.Sub(h.Issued)) }
