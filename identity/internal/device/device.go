// Package device signs in what has no browser: a device shows a short code, and
// its person types it on another one (RFC 8628).
package device

import (
	"log/slog"
	"time"

	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

const (
	// maxWaiting bounds the devices of one client that wait at a time: anybody can
	// make them wait.
	maxWaiting = 5000
	// Life is how long a person may take.
	Life = 10 * time.Minute
	// Interval is how often a device may ask at first, and what each time that it
	// asks too soon adds.
	Interval = 5 * time.Second
)

// What a device is answered that asks whether its person has decided: RFC 8628, 3.5.
var (
	ErrPending = oauth.NewError(oauth.AuthorizationPending, "The person has not decided yet. Ask again after the interval.")
	ErrSlow    = oauth.NewError(oauth.SlowDown, "Asked too soon. Wait for 5 more seconds between two questions from now on.")
	ErrExpired = oauth.NewError(oauth.ExpiredToken, "The code is over. Begin again.")
	ErrDenied  = oauth.NewError(oauth.AccessDenied, "The person has denied it.")
	// ErrCode says that a device's code is unknown, another client's, or was used.
	ErrCode = oauth.NewError(oauth.InvalidGrant, "The device code is unknown, or was used already. Begin again.")
	// ErrFull says that too many devices of the client wait for their people.
	ErrFull = oauth.NewError(oauth.TemporarilyUnavailable, "Too many devices of this application wait for their people. Try again in some minutes.")
)

// ErrUserCode says that a code that a person typed is good for nothing.
var ErrUserCode = fault.New(fault.NotFound, "device_code_unknown", "There is no device waiting with this code, or it has waited too long. Look at the device's screen again.")

// Code is what a device is given.
type Code struct {
	DeviceCode string
	// UserCode is for the person: "BCDF-GHJK".
	UserCode string
	// ExpiresIn is how long both work, Interval how often the device may ask.
	ExpiresIn, Interval time.Duration
}

// Pending is a device that waits for its person.
type Pending struct {
	ClientID          string
	UserCode          string
	Scopes            oauth.Scopes
	Audiences         []string
	MadeAt, ExpiresAt time.Time
	// From is the network address that the device asked from.
	From string
}

// Who decides: a person who is signed in.
type Who struct {
	Account, Session string
	AuthTime         time.Time
	ACR              string
	AMR              []string
}

// Options is what a Desk needs; all of it.
type Options struct {
	DB      *db.DB
	Store   *store.Store
	Journal *audit.Journal
	Grants  *grant.Desk
	Gate    *throttle.Gate
	// Key makes the key that hides the codes that people type.
	Key seal.Key
	Now func() time.Time
	Log *slog.Logger
}

// Desk serves devices and their people. It is safe for concurrent use, also by
// several nodes.
type Desk struct {
	o   Options
	key []byte
}

// New makes a desk.
func New(o Options) *Desk { return &Desk{o: o, key: o.Key.Derive("device user codes")} }

// now is the clock as the database keeps it.
func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }
