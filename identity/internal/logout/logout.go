// Package logout signs people out of more than one place.
//
// Back-channel: when a session ends, by whatever way, each application that was
// begun in it and has an address for it gets a logout token (OpenID Connect
// Back-Channel Logout 1.0), from a job that is enqueued in the transaction that
// ended the session. A session that idles away or grows too old has nobody who
// ends it, and nobody is told.
//
// RP-initiated: an application sends a browser here to sign out (OpenID Connect
// RP-Initiated Logout 1.0). Read says what it asks for, as far as it may. Whoever
// shows an ID token of the browser's own session is believed; else the person is
// asked.
package logout

import (
	"context"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/mint"
	"guildhall/platform/jobs"
	"guildhall/platform/seal"
)

// Options is what a Desk needs; all of it.
type Options struct {
	Clients *client.Desk
	Grants  *grant.Desk
	Minter  *mint.Minter
	Jobs    *jobs.Queue
	// Key seals requests that go through the browser.
	Key seal.Key
	// Post sends a logout token to the address of an application, which may take a
	// few seconds. An error is worth another try.
	Post func(ctx context.Context, uri, token string) error
	Now  func() time.Time
}

// Desk tells applications that sessions ended, and reads what they ask for. It is
// safe for concurrent use.
type Desk struct{ o Options }

// New makes a desk and registers its job.
func New(o Options) *Desk {
	d := &Desk{o: o}
	o.Jobs.Handle(Job, retries, d.tell)
	return d
}
