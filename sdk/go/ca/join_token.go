package ca

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
)

const (
	joinPrefix    = "ghj1"
	joinSecretLen = 26 // crypto/rand.Text: 130 bits in base32
)

// ErrJoinToken says that a text is no join token. It never repeats the text.
var ErrJoinToken = errors.New("this is not a join token: copy the whole text that \"guildhall ca token create\" printed, beginning with ghj1")

// JoinToken is a single-use permission for one service to get its first
// certificate. It carries the fingerprint of the root, so that whoever joins
// knows the authority before it trusts anything else.
//
// The text is a secret: String hides it, Text tells it.
type JoinToken struct {
	// ID names the token in lists and logs.
	ID string
	// Root is the SHA-256 of the root certificate's DER.
	Root   [sha256.Size]byte
	secret string
}

// NewJoinToken makes a token of its parts; the secret is what
// crypto/rand.Text returns.
func NewJoinToken(id, secret string, root [sha256.Size]byte) (JoinToken, error) {
	return ParseJoinToken(JoinToken{ID: id, Root: root, secret: secret}.Text())
}

// ParseJoinToken reads the text of a token. The error is ErrJoinToken.
func ParseJoinToken(text string) (JoinToken, error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 4 || parts[0] != joinPrefix {
		return JoinToken{}, ErrJoinToken
	}
	t := JoinToken{ID: parts[1], secret: parts[2]}
	id, ok := strings.CutPrefix(t.ID, "jtk_")
	if !ok || len(id) != joinSecretLen || notIn(id, "0123456789abcdefghjkmnpqrstvwxyz") {
		return JoinToken{}, ErrJoinToken
	}
	if len(t.secret) != joinSecretLen || notIn(t.secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") {
		return JoinToken{}, ErrJoinToken
	}
	if len(parts[3]) != hex.EncodedLen(len(t.Root)) || notIn(parts[3], "0123456789abcdef") {
		return JoinToken{}, ErrJoinToken
	}
	if _, err := hex.Decode(t.Root[:], []byte(parts[3])); err != nil {
		return JoinToken{}, ErrJoinToken
	}
	return t, nil
}

func notIn(text, alphabet string) bool { return strings.Trim(text, alphabet) != "" }

// Text is the whole token, secret included.
func (t JoinToken) Text() string {
	return strings.Join([]string{joinPrefix, t.ID, t.secret, hex.EncodeToString(t.Root[:])}, ".")
}

// String is the token without its secret.
func (t JoinToken) String() string { return "join token " + t.ID }

// GoString is String: a token printed for debugging keeps its secret.
func (t JoinToken) GoString() string { return t.String() }

// Hash is what the authority keeps of the secret. A plain hash is enough for a
// secret of 130 random bits.
func (t JoinToken) Hash() []byte {
	sum := sha256.Sum256([]byte("guildhall join token\x00" + t.ID + "\x00" + t.secret))
	return sum[:]
}

// Matches compares with a kept hash, in a time that tells nothing.
func (t JoinToken) Matches(hash []byte) bool {
	return subtle.ConstantTimeCompare(t.Hash(), hash) == 1
}

// Trusts says whether the DER of a root certificate is the one that the token
// names.
func (t JoinToken) Trusts(rootDER []byte) bool {
	sum := sha256.Sum256(rootDER)
	return subtle.ConstantTimeCompare(sum[:], t.Root[:]) == 1
}
