// Package session keeps who is signed in: in which browser, since when, and how
// surely. A browser holds a random token, the database its SHA-256.
//
// A sign-in climbs: Pending (the password was right and a second factor is due),
// Password, Strong. Each step replaces the token, so that one that was planted
// or seen before is worth nothing after it.
package session

import (
	"time"

	"guildhall/identity/internal/store"
	"guildhall/platform/fault"
)

// Level says how surely we know who it is.
type Level int

// The levels, each surer than the one before.
const (
	// Pending opens nothing but the page for the second factor.
	Pending Level = iota + 1
	// Password is one factor.
	Password
	// Strong is two factors, or a passkey that checked its owner.
	Strong
)

// String is the level's name for logs: "pending", "password", "strong".
func (l Level) String() string {
	switch l {
	case Pending:
		return "pending"
	case Password:
		return "password"
	case Strong:
		return "strong"
	default:
		return "none"
	}
}

// The methods by which somebody can show who it is, as in RFC 8176 where it has
// a name for them.
const (
	MethodPassword = "pwd"
	MethodTOTP     = "otp"
	MethodRecovery = "recovery"
	MethodPasskey  = "passkey"
	// MethodCode is a code that was sent by mail.
	MethodCode = "mail"
)

var (
	// ErrNone says that a token opens nothing: it is unknown, over, replaced, or
	// its account is disabled or gone.
	ErrNone = fault.New(fault.Unauthenticated, "session_none", "Nobody is signed in here, or the session is over. Sign in again.")
	// ErrNoAccount says that no session can begin for the account: it is disabled
	// or gone, its password was changed meanwhile, or its second factor removed.
	ErrNoAccount = fault.New(fault.Unauthenticated, "session_no_account", "The sign-in is no longer good, because the account changed in the meantime. Sign in again.")
	// ErrSecondFactor says that a pending session was to be raised by less than a
	// second factor.
	ErrSecondFactor = fault.New(fault.Forbidden, "session_second_factor", "This account needs its second factor. Enter a code or use a passkey.")
	// ErrNotFound says that the account has no such live session.
	ErrNotFound = store.ErrSessionNotFound
)

// Session is a sign-in in one browser.
type Session struct {
	// ID names it in lists and in the audit log: "ses_...". It opens nothing.
	ID      string
	Account string
	Level   Level
	// Methods are how its owner has shown who it is, in this order.
	Methods []string
	MadeAt  time.Time
	// SeenAt is exact to a minute.
	SeenAt time.Time
	// AuthenticatedAt is when its owner last showed who it is: what max_age is
	// compared with.
	AuthenticatedAt time.Time
	// EndsAt is when it ends at the latest, and IdleUntil when it ends unless it
	// is used before.
	IdleUntil, EndsAt time.Time
	UserAgent         string
	// From is the network address that it was begun from.
	From string
}

// Ended is what ended.
type Ended struct {
	Account string
	// Sessions are the ids of the sessions that ended.
	Sessions []string
	// All says that more ends than these sessions: whatever the account has allowed,
	// but for what was allowed in the session Except (its id; empty: none). It is so
	// after a new password, a reset, and "sign out everywhere".
	All    bool
	Except string
}

// Age is how long ago its owner showed who it is.
func (s Session) Age(now time.Time) time.Duration { return now.Sub(s.AuthenticatedAt) }

func of(r *store.Session) Session {
	return Session{ID: r.ID, Account: r.Account, Level: Level(r.Level), Methods: r.Methods, MadeAt: r.MadeAt, SeenAt: r.SeenAt,
		AuthenticatedAt: r.AuthenticatedAt, IdleUntil: r.IdleUntil, EndsAt: r.EndsAt, UserAgent: r.UserAgent, From: r.From}
}
