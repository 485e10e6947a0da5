package decide

import (
	"net/netip"
	"time"

	"guildhall/sdk/go/license/fingerprint"
)

// State is what was done to a card. That it is expired is no state: it follows from
// the time.
type State string

// The states of a card.
const (
	New       State = "new"
	Active    State = "active"
	Suspended State = "suspended"
	Revoked   State = "revoked"
)

// Card is what is known of a card.
type Card struct {
	State State
	// Deleted says that it lies in the recycle bin.
	Deleted bool
	// Days from the first use; 0: the policy's.
	Days int
	// FixedEnd is the end that was fixed when it was made; zero: none.
	FixedEnd time.Time
	// ActivatedAt is when it was first used; zero: not yet.
	ActivatedAt time.Time
	// ExpiresAt is its end once it is activated, moved by every extension; zero: never.
	ExpiresAt time.Time
	// Modules stand before those of the policy; nil: the policy's.
	Modules []string
}

// Environment is the machine that a card is bound to, as it showed itself last.
type Environment struct {
	Fingerprint fingerprint.Components
	// IP is the address; the zero value when none was known.
	IP netip.Addr
	// DeviceKey is the public key that was registered; nil: none.
	DeviceKey []byte
}

// Call is what a client asks for.
type Call string

// The calls.
const (
	Activate  Call = "activate"
	Validate  Call = "validate"
	Heartbeat Call = "heartbeat"
	Open      Call = "open"
	Function  Call = "function"
	Files     Call = "files"
	Time      Call = "time"
)

// Request is what a client shows, with what the caller found out about it.
type Request struct {
	Call        Call
	IP          netip.Addr
	Fingerprint fingerprint.Components
	// DeviceKey is the public key that the request's proof is to be verified with: the
	// one that it brings, else the registered one; nil: it has no proof. Proven says
	// that the proof is good under that very key.
	DeviceKey []byte
	Proven    bool
	// Function is the function on the server that a call of that kind names, CalledToday
	// how often it was called for this card on this day before.
	Function    string
	CalledToday int
	// Module is the part of the product that wants to run; empty: none in particular.
	Module string
	// TrialUsed says that this machine had another trial of the product.
	TrialUsed bool
}
