package access

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"guildhall/sdk/go/identity"
)

// maxPending bounds the revocations of one line with all its parts.
const maxPending = 1 << 22

// KeysHash is the hash of a key set as lines name it.
func KeysHash(keys []byte) string {
	sum := sha256.Sum256(keys)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// stream is one connection's lines, in their order.
type stream struct {
	set     *Set
	at      uint64 // what the lines so far reach
	pending []Entry
	began   bool
}

// line takes the next line.
func (s *stream) line(text string, keys *identity.KeySet) (Line, error) {
	l, err := OpenLine(text, keys)
	if err != nil {
		return l, err
	}
	switch {
	case l.Base != s.at:
		return l, fmt.Errorf("%w: it follows %d, and %d was reached", ErrGap, l.Base, s.at)
	case s.began && l.Issuer != s.set.Issuer():
		return l, fmt.Errorf("%w: its issuer changed to %q", ErrForged, l.Issuer)
	case len(s.pending)+len(l.Entries) > maxPending:
		return l, errors.New("identity tells of too many revocations")
	}
	s.at = l.Sequence
	s.pending = append(s.pending, l.Entries...)
	if l.More {
		return l, nil
	}
	if err := s.set.apply(&l, s.pending); err != nil {
		return l, err
	}
	s.pending, s.began = nil, true
	return l, nil
}
