package revocation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"guildhall/sdk/go/identity"
)

const (
	// MaxLine bounds a line, in bytes.
	MaxLine = 64 << 10
	// maxPending bounds the revocations of one line with all its parts.
	maxPending = 1 << 22
)

// KeysHash is the hash of a key set as lines name it.
func KeysHash(keys []byte) string {
	sum := sha256.Sum256(keys)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Reader puts the lines that somebody follows into a Set, in their order. It is for one
// goroutine.
type Reader struct {
	Set *Set
	// Keys fetches identity's key set.
	Keys func(context.Context) ([]byte, error)

	hash    string // of the keys in Set
	at      uint64 // what the lines so far reach
	pending []Entry
	began   bool
}

// Begin forgets the lines so far, for a connection that begins at 0. What they said
// stays in the Set.
func (r *Reader) Begin() { r.at, r.pending, r.began = 0, nil, false }

// At is the number that the lines so far have reached.
func (r *Reader) At() uint64 { return r.at }

// Take takes the next line in. When its key is not known, or it says that the keys have
// changed, they are fetched. A line that was refused is as if it had not come.
func (r *Reader) Take(ctx context.Context, text string) (Line, error) {
	keys := r.Set.keys.Load()
	if keys == nil {
		return r.takeWithNewKeys(ctx, text)
	}
	l, err := r.take(text, keys)
	if errors.Is(err, identity.ErrKey) {
		return r.takeWithNewKeys(ctx, text)
	}
	if err == nil && l.Keys != r.hash {
		_, err = r.fetchKeys(ctx)
	}
	return l, err
}

func (r *Reader) takeWithNewKeys(ctx context.Context, text string) (Line, error) {
	keys, err := r.fetchKeys(ctx)
	if err != nil {
		return Line{}, err
	}
	return r.take(text, keys)
}

// fetchKeys gets identity's keys: they are believed because identity's certificate
// stands behind the connection.
func (r *Reader) fetchKeys(ctx context.Context) (*identity.KeySet, error) {
	text, err := r.Keys(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := identity.ParseKeySet(text)
	if err != nil {
		return nil, err
	}
	r.Set.keys.Store(keys)
	r.hash = KeysHash(text)
	return keys, nil
}

func (r *Reader) take(text string, keys *identity.KeySet) (Line, error) {
	l, err := OpenLine(text, keys)
	if err != nil {
		return l, err
	}
	switch {
	case l.Base != r.at:
		return l, fmt.Errorf("%w: it follows %d, and %d was reached", ErrGap, l.Base, r.at)
	case r.began && l.Issuer != r.Set.Issuer():
		return l, fmt.Errorf("%w: its issuer changed to %q", ErrForged, l.Issuer)
	case len(r.pending)+len(l.Entries) > maxPending:
		return l, errors.New("identity tells of too many revocations")
	}
	pending := append(r.pending, l.Entries...)
	if l.More {
		r.at, r.pending = l.Sequence, pending
		return l, nil
	}
	if err := r.Set.apply(&l, pending); err != nil {
		return l, err
	}
	r.at, r.pending, r.began = l.Sequence, nil, true
	return l, nil
}
