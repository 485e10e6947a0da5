// Package device signs in what has no browser: a device shows a short code, and
// its person types it on another one (RFC 8628).
package device

import (
	"context"
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
	// Life is how long a person may take.
	Life = 10 * time.Minute
	// Interval is how often a device may ask at first, and what each time that it
	// asks too soon adds.
	Interval = 5 * time.Second
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

// Begin gives a device of the client its codes. The client was authenticated.
func (d *Desk) Begin(ctx context.Context, clientID string, scopes oauth.Scopes, audiences []string, by audit.Caller) (Code, error) {
	panic("todo")
}

// Find is the device that waits with the code, however it is written, else
// ErrUserCode. Guessing is slowed down by account and address: throttle.ErrThrottled.
func (d *Desk) Find(ctx context.Context, userCode string, by audit.Caller) (Pending, error) {
	panic("todo")
}

// Decide allows the device that waits with the code what it asked for, or denies
// it, and records it. The error is as Find's.
func (d *Desk) Decide(ctx context.Context, userCode string, approve bool, as Who, by audit.Caller) error {
	panic("todo")
}

// Redeem is a device's question whether its person has decided. The grant that
// it gets, once, has no session, for it must not end with that of the browser.
// bind may set JKT and X5T and runs before anything is used up. The errors are
// those of RFC 8628, 3.5, bind's, and invalid_grant.
func (d *Desk) Redeem(ctx context.Context, deviceCode, clientID string, life grant.RefreshLife, bind func(*grant.Grant) error, by audit.Caller) (g grant.Grant, refresh string, err error) {
	panic("todo")
}
