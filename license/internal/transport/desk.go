package transport

import (
	"sync"
	"sync/atomic"
	"time"

	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

var (
	// ErrOpen says that a request does not open. It says the same of a key that nobody
	// has and of bytes that were changed.
	ErrOpen = fault.New(fault.Malformed, "request_not_opened", "The request does not open. Fetch the configuration of the product, and send a new request.")
	// ErrMessage says that a request has no message that names a product.
	ErrMessage = fault.New(fault.Malformed, "request_not_read", "The request cannot be read. Send a message as JSON that names its product.")
	// ErrNoKeys says that a product has no keys, because they ended while the service
	// stood still; the job that replaces them makes others.
	ErrNoKeys = fault.New(fault.Unavailable, "keys_missing", "The keys of the product are being made. Try again in a minute.").After(time.Minute)
)

// Options is what New needs; all of it.
type Options struct {
	Store   *store.Store
	Journal *audit.Journal
	// Key seals the private keys.
	Key seal.Key
	// Addresses are the base URLs that clients are told, the preferred first.
	Addresses func() []string
	Now       func() time.Time
}

// Desk keeps the keys, and opens and answers by them. It is safe for concurrent use.
type Desk struct {
	o       Options
	ring    atomic.Pointer[ring]
	loading sync.Mutex
}

// New makes a desk.
func New(o Options) *Desk { return &Desk{o: o} }

func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }
