package revocation

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"guildhall/sdk/go/identity"
)

// skew is how far the clocks of identity and this host may differ.
const skew = time.Second

// Token is an access token as far as revocations go. Its session is none of it: see
// the package's description.
type Token struct {
	// ID is "jti", Grant "gid" (empty: client credentials), Account "sub" and Client
	// "client_id".
	ID, Grant, Account, Client string
	// IssuedAt is "iat".
	IssuedAt time.Time
}

// Session is a session that a service keeps for a browser.
type Session struct {
	// ID is identity's session, "sid"; Account the person, "sub".
	ID, Account string
	// Since is when the person signed in: "auth_time".
	Since time.Time
}

// Set is what a process knows of revoked access. Its checks are safe to call from
// anywhere, never wait and do not allocate when all is well.
type Set struct {
	now   func() time.Time
	lease time.Duration

	view atomic.Pointer[view]
	keys atomic.Pointer[identity.KeySet] // nil before the first

	mu     sync.Mutex // held by who replaces the view
	pruned time.Time
}

// view is one immutable state.
type view struct {
	sequence uint64
	issuer   string
	entries  entries
	issued   time.Time // of the last line; zero before the first
	// end is when the state is stale: with a monotonic reading, so that setting the
	// clock back prolongs nothing; wall is the same for a host that slept.
	end  time.Time
	wall int64
}

// NewSet makes an empty state, which is stale until a Reader has filled it. The
// lease bounds how long a line is believed; 0 is DefaultLease.
func NewSet(lease time.Duration, now func() time.Time) *Set {
	if lease == 0 {
		lease = DefaultLease
	}
	s := &Set{now: now, lease: lease}
	s.view.Store(&view{})
	return s
}

// Check is nil for a token that was not revoked, ErrRevoked, or ErrStale when that
// cannot be told.
func (s *Set) Check(t Token) error {
	v := s.view.Load()
	// iat is exact to a second. For an application the whole second counts as before
	// its revocation; for an account it counts as after: each of its grants was
	// revoked too, and who signs in again at once must get in.
	issued := t.IssuedAt.UnixMicro()
	if v.entries.has(KindToken, t.ID) || v.entries.has(KindGrant, t.Grant) || v.entries.ended(KindClient, t.Client, issued) ||
		v.entries.ended(KindAccount, t.Account, issued+second) {
		return ErrRevoked
	}
	return s.fresh(v)
}

// CheckSession is Check for a session of a browser.
func (s *Set) CheckSession(b Session) error {
	v := s.view.Load()
	if v.entries.has(KindSession, b.ID) || v.entries.ended(KindAccount, b.Account, b.Since.UnixMicro()+second) {
		return ErrRevoked
	}
	return s.fresh(v)
}

// Fresh is nil, or an ErrStale that says since when nothing was heard.
func (s *Set) Fresh() error { return s.fresh(s.view.Load()) }

// Issuer is the "iss" of identity's tokens; empty before the first line.
func (s *Set) Issuer() string { return s.view.Load().issuer }

// Sequence is the number of the last revocation that counts.
func (s *Set) Sequence() uint64 { return s.view.Load().sequence }

// Size is how many revocations are known.
func (s *Set) Size() int { return s.view.Load().entries.size() }

func (s *Set) fresh(v *view) error {
	now := s.now()
	if now.Before(v.end) && now.UnixMicro() < v.wall {
		return nil
	}
	if v.issued.IsZero() {
		return fmt.Errorf("%w: nothing was heard from identity yet", ErrStale)
	}
	return fmt.Errorf("%w: identity's last word is %s old, the lease is %s", ErrStale, now.Sub(v.issued).Round(time.Millisecond), s.lease)
}

// apply adds what a complete line says; entries are those of all its parts. What is
// known stays known, whatever order lines come in.
func (s *Set) apply(l *Line, list []Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, now := s.view.Load(), s.now()
	issued := time.UnixMicro(l.Issued)
	age := now.Sub(issued)
	if age < -skew {
		return fmt.Errorf("%w: a line was signed %s in the future of this host", ErrClock, (-age).Round(time.Millisecond))
	}
	if l.Sequence < v.sequence {
		return fmt.Errorf("%w (from revocation %d to %d)", ErrRolledBack, v.sequence, l.Sequence)
	}
	next := *v
	next.sequence, next.issuer = l.Sequence, l.Issuer
	next.entries = v.entries.with(list, now)
	if now.Sub(s.pruned) >= pruneEvery {
		next.entries, s.pruned = next.entries.pruned(now), now
	}
	if issued.After(v.issued) {
		next.issued = issued
	}
	left := min(s.lease, time.UnixMicro(l.StaleAfter).Sub(issued)) - max(age, 0)
	if end := now.Add(left); left > 0 && end.After(v.end) {
		next.end, next.wall = end, now.UnixMicro()+left.Microseconds()
	}
	s.view.Store(&next)
	return nil
}
