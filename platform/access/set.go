package access

import (
	"time"

	"guildhall/sdk/go/identity/revocation"
)

// Token is an access token as far as revocations go.
type Token = revocation.Token

// Session is a session that a service keeps for a browser.
type Session = revocation.Session

// Set is revocation.Set with errors that have codes.
type Set struct{ *revocation.Set }

// NewSet makes an empty state, which is stale until a Follower has filled it. The
// lease bounds how long a line is believed; 0 is revocation.DefaultLease.
func NewSet(lease time.Duration, now func() time.Time) Set {
	return Set{revocation.NewSet(lease, now)}
}

// Check is nil for a token that was not revoked, ErrRevoked, or ErrStale when that
// cannot be told.
func (s Set) Check(t Token) error { return coded(s.Set.Check(t)) }

// CheckSession is Check for a session of a browser.
func (s Set) CheckSession(b Session) error { return coded(s.Set.CheckSession(b)) }

// Fresh is nil, or an ErrStale that says since when nothing was heard.
func (s Set) Fresh() error { return coded(s.Set.Fresh()) }
