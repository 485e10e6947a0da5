// Package id makes identifiers: a prefix that says what it names and a UUID
// version 7 (RFC 9562), so that ids sort by the time they were made.
package id

import (
	"encoding/base32"
	"strings"

	"github.com/google/uuid"

	"guildhall/platform/fault"
)

// Crockford's base32 in lower case: no letter is mistaken for a digit, and the
// text sorts as the bytes do.
var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const textLen = 26

// ErrMalformed says that a text is not an id of the wanted kind.
var ErrMalformed = fault.New(fault.Malformed, "malformed_id", "This is not an id of that kind.")

// New makes an id such as "crt_06a4...". The prefix carries no underscore.
func New(prefix string) string {
	u := uuid.Must(uuid.NewV7())
	return prefix + "_" + encoding.EncodeToString(u[:])
}

// Check says whether s is an id with the prefix; the error is ErrMalformed.
func Check(prefix, s string) error {
	text, ok := strings.CutPrefix(s, prefix+"_")
	if !ok || len(text) != textLen {
		return ErrMalformed
	}
	if _, err := encoding.DecodeString(text); err != nil {
		return ErrMalformed
	}
	return nil
}
