// Package cardid makes and reads the ids of cards and environments: 32 characters of
// Crockford's base32, of which 30 are random (150 bits) and two check them. People
// see them in groups of four and may type them as they like. Only the hash of a
// card's id is stored.
package cardid

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

const (
	// Length is how many characters an id has.
	Length = 32
	// letters are Crockford's: I, L, O and U are left out.
	letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	// data is how many characters are random; the rest checks them.
	data = Length - 2
	// group is how many characters people see together.
	group = 4
	// PrefixLength is how many characters are kept for people to tell cards apart.
	PrefixLength = 4
)

// ID is an id in its canonical text: capitals, without dashes. That of a card is a
// secret: it goes into the export, and into nothing that is kept.
type ID string

// New is an id that nobody guesses.
func New() ID {
	var random [data]byte
	_, _ = rand.Read(random[:]) // never fails: it ends the process instead
	id := make([]byte, data, Length)
	for i, b := range random {
		id[i] = letters[b%32]
	}
	check := residue(id)
	return ID(append(id, letters[check/32], letters[check%32]))
}

// Shown is the id as people read it: XXXX-XXXX-...
func (id ID) Shown() string {
	var b strings.Builder
	for i := 0; i < len(id); i += group {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(string(id[i:min(i+group, len(id))]))
	}
	return b.String()
}

// Hash is SHA-256 of the canonical text. 150 random bits need no slower one.
func (id ID) Hash() []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}

// Prefix is the part that lists show, so that people can tell cards apart.
func (id ID) Prefix() string { return string(id[:min(PrefixLength, len(id))]) }
