package sealed

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

const keyIDLen = 8

// KeyID names a key. It is no secret.
type KeyID [keyIDLen]byte

// NewKeyID makes a random one.
func NewKeyID() (id KeyID) {
	_, _ = rand.Read(id[:]) // never fails: it ends the process instead
	return id
}

// String is the id as it stands in headers and configurations: 11 characters of
// base64url.
func (id KeyID) String() string { return text64(id[:]) }

// MarshalText writes what String does.
func (id KeyID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *KeyID) UnmarshalText(text []byte) error { return read64(id[:], string(text), "a key id") }

func text64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// parse64 reads base64url in the one form that a value has: without padding, set
// bits behind the end, or the line breaks that Go's decoder leaves out.
func parse64(text string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return b, err == nil && len(text) == base64.RawURLEncoding.EncodedLen(len(b))
}

// read64 fills into with what text holds in base64url.
func read64(into []byte, text, what string) error {
	b, ok := parse64(text)
	if !ok || len(b) != len(into) {
		return fmt.Errorf("%w: %s is %d bytes in base64url without padding", ErrFormat, what, len(into))
	}
	copy(into, b)
	return nil
}
