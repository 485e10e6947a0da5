package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Sum is the SHA-256 of a content, its name.
type Sum [sha256.Size]byte

// ParseSum reads 64 hexadecimal digits, small or large.
func ParseSum(text string) (s Sum, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(s) {
		return Sum{}, fmt.Errorf("this is no SHA-256: write its %d hexadecimal digits", 2*len(s))
	}
	return Sum(raw), nil
}

// String is 64 small hexadecimal digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }
