// Package id makes identifiers: a prefix that says what it names and a UUID
// version 7 (RFC 9562), so that ids sort by the time they were made.
package id

import (
	"encoding/base32"

	"github.com/google/uuid"
)

// Crockford's base32 in lower case: no letter is mistaken for a digit, and the
// text sorts as the bytes do.
var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// New makes an id such as "crt_06a4...". The prefix carries no underscore.
func New(prefix string) string {
	u := uuid.Must(uuid.NewV7())
	return prefix + "_" + encoding.EncodeToString(u[:])
}
