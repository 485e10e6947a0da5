// Package password keeps passwords: as Argon2id hashes (RFC 9106) in PHC
// strings, and only those that are not easily guessed.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"guildhall/platform/fault"
)

// The cost of a new hash: OWASP's second choice, 19 MiB and two passes.
var current = params{memory: 19 * 1024, time: 2, threads: 1}

const (
	saltLen = 16
	hashLen = 32
	// waiting bounds how many calls wait for each that hashes: later ones would
	// wait for longer than a reader does.
	waiting = 64
)

// ErrBusy says that too many passwords are being checked at once.
var ErrBusy = fault.New(fault.Unavailable, "password_busy", "Too many people are signing in at this moment. Try again in a few seconds.").After(2 * time.Second)

// Options configure a Hasher.
type Options struct {
	// Parallel is how many hashes are made at once; the others wait. Default:
	// half of the processors, at least 1, so that the other half serves pages.
	Parallel int
}

// Hasher makes and verifies hashes, and refuses what is easily guessed. It is safe for concurrent use.
type Hasher struct {
	running, queue chan struct{}
	decoy          string
	common         func() map[string]struct{} // the passwords that are tried first
}

// New makes a hasher.
func New(o Options) *Hasher {
	if o.Parallel < 1 {
		o.Parallel = max(1, runtime.GOMAXPROCS(0)/2)
	}
	h := &Hasher{running: make(chan struct{}, o.Parallel), queue: make(chan struct{}, o.Parallel*(1+waiting)), common: sync.OnceValue(readCommon)}
	// A hash of the present cost that no password has, for want of a salt that fits.
	h.decoy = encode(current, make([]byte, saltLen), make([]byte, hashLen))
	return h
}

// Hash is the PHC string of a password.
func (h *Hasher) Hash(ctx context.Context, text string) (phc string, err error) {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt)
	sum, err := h.sum(ctx, text, salt, current, hashLen)
	if err != nil {
		return "", err
	}
	return encode(current, salt, sum), nil
}

// Verify says whether phc is a hash of the password, and whether it is one of
// another cost than those made today: then Hash it anew.
func (h *Hasher) Verify(ctx context.Context, phc, text string) (ok, rehash bool, err error) {
	p, salt, want, err := decode(phc)
	if err != nil {
		return false, false, fmt.Errorf("read a password's hash: %w", err)
	}
	got, err := h.sum(ctx, text, salt, p, len(want))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, want) == 1
	return ok, ok && p != current, nil
}

// Decoy does the work of Verify for an account that does not exist.
func (h *Hasher) Decoy(ctx context.Context, text string) error {
	_, _, err := h.Verify(ctx, h.decoy, text)
	return err
}

// None is a PHC string that no password fits, for an account whose password is kept
// elsewhere or not set yet.
func (h *Hasher) None() string { return h.decoy }

// sum hashes when there is room. Once begun it does not stop.
func (h *Hasher) sum(ctx context.Context, text string, salt []byte, p params, n int) ([]byte, error) {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return nil, ErrBusy
	}
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	// Different keyboards write one letter in different ways.
	return argon2.IDKey(norm.NFC.Bytes([]byte(text)), salt, p.time, p.memory, p.threads, uint32(n)), nil //nolint:gosec // n is a length of at most maxHash
}
