package revocation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"guildhall/sdk/go/identity"
)

const (
	// TypeRevocations is the header "typ" of a line.
	TypeRevocations = "guildhall-revocations+jwt"
	// Version is that of the lines.
	Version = 1
	// MaxEntries is how many revocations one line holds.
	MaxEntries = 100
	// DefaultLease is how long a line is believed.
	DefaultLease = 30 * time.Second
	// maxLease bounds what a line may promise.
	maxLease = 24 * time.Hour
	// maxSubject bounds a subject, in bytes.
	maxSubject = 128
)

// Kind says what a revocation is of.
type Kind string

// The kinds of revocation.
const (
	KindToken   Kind = "token"
	KindGrant   Kind = "grant"
	KindSession Kind = "session"
	KindAccount Kind = "account"
	KindClient  Kind = "client"
)

func (k Kind) known() bool {
	switch k {
	case KindToken, KindGrant, KindSession, KindAccount, KindClient:
		return true
	default:
		return false
	}
}

// Line is what identity says at one moment to somebody who knows all up to Base.
type Line struct {
	Version int `json:"v"`
	// Issuer is the "iss" of identity's tokens, Keys the hash of its key set (see
	// KeysHash).
	Issuer string `json:"iss"`
	Keys   string `json:"keys"`
	// Entries are all revocations after Base and up to Sequence that still matter.
	Base     uint64  `json:"base"`
	Sequence uint64  `json:"seq"`
	Entries  []Entry `json:"entries,omitempty"`
	// More says that the next line belongs to this one: nothing counts before.
	More bool `json:"more,omitempty"`
	// Issued is when the line was signed; from StaleAfter on nobody may rely on it.
	// Both are in microseconds.
	Issued     int64 `json:"issued"`
	StaleAfter int64 `json:"stale_after"`
}

// Entry is one revocation; times are in microseconds.
type Entry struct {
	Seq     uint64 `json:"seq"`
	Kind    Kind   `json:"kind"`
	Subject string `json:"sub"`
	// MadeAt bounds what a revocation of an account or a client ends: what was begun
	// until then.
	MadeAt int64 `json:"at"`
	// ExpiresAt is from when on there is nothing left that it could end.
	ExpiresAt int64 `json:"exp"`
}

// OpenLine verifies a line by the keys and checks that it makes sense in itself;
// else it is ErrForged.
func OpenLine(text string, keys *identity.KeySet) (Line, error) {
	payload, err := keys.Open(text, TypeRevocations)
	if err != nil {
		return Line{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	var l Line
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return Line{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	if err := l.check(); err != nil {
		return Line{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	return l, nil
}

func (l *Line) check() error {
	lease := time.Duration(l.StaleAfter-l.Issued) * time.Microsecond
	switch {
	case l.Version != Version:
		return fmt.Errorf("it has version %d; this program knows %d", l.Version, Version)
	case l.Issuer == "" || l.Keys == "":
		return errors.New("it has no issuer or no keys")
	case l.Issued <= 0 || l.StaleAfter <= l.Issued || lease <= 0 || lease > maxLease:
		return errors.New("its lease cannot be")
	case l.Base > l.Sequence || len(l.Entries) > MaxEntries:
		return errors.New("its numbers cannot be")
	}
	last := l.Base
	for _, e := range l.Entries {
		if e.Seq <= last || e.Seq > l.Sequence {
			return fmt.Errorf("revocation %d is out of its place", e.Seq)
		}
		if !e.Kind.known() || e.Subject == "" || len(e.Subject) > maxSubject || e.MadeAt <= 0 || e.ExpiresAt < e.MadeAt {
			return fmt.Errorf("revocation %d cannot be", e.Seq)
		}
		last = e.Seq
	}
	return nil
}
