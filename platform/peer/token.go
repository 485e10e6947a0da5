package peer

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"

	"guildhall/platform/fault"
)

const (
	tokenPrefix    = "guildhall-join"
	minTokenSecret = 20
	maxToken       = 256
)

// ErrToken is returned for a text that is no join token. It never holds the text.
var ErrToken = fault.New(fault.Invalid, "join_token_malformed",
	"This is not a join token. A join token reads guildhall-join:<service>:<fingerprint>:<secret>; copy the whole line.")

// Token lets one service enrol once. Its text names the service and carries the
// root's fingerprint, so that the newcomer knows the authority before it trusts
// anything. No formatting verb and no logger shows the secret; Text does.
type Token struct {
	Service string
	// Root is the SHA-256 fingerprint of the authority's root certificate (DER).
	Root   [sha256.Size]byte
	secret string
}

// NewToken makes a token with the given secret of at least 20 characters out of
// letters, digits, "-" and "_".
func NewToken(service string, rootDER []byte, secret string) Token {
	return Token{Service: service, Root: sha256.Sum256(rootDER), secret: secret}
}

// ParseToken reads the text of a token.
func ParseToken(text string) (Token, error) {
	parts := strings.Split(strings.TrimSpace(text), ":")
	if len(text) > maxToken || len(parts) != 4 || parts[0] != tokenPrefix {
		return Token{}, ErrToken
	}
	root, err := hex.DecodeString(parts[2])
	if err != nil || len(root) != sha256.Size || !validService.MatchString(parts[1]) || !validSecret(parts[3]) {
		return Token{}, ErrToken
	}
	return Token{Service: parts[1], Root: [sha256.Size]byte(root), secret: parts[3]}, nil
}

func validSecret(s string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return len(s) >= minTokenSecret && strings.Trim(s, alphabet) == ""
}

// Text is the token as its holder types it in. Show it once, to the one who
// asked for it.
func (t Token) Text() string {
	return strings.Join([]string{tokenPrefix, t.Service, hex.EncodeToString(t.Root[:]), t.secret}, ":")
}

// Secret is the part that only the holder and the authority know.
func (t Token) Secret() string { return t.secret }

// String names the token without its secret.
func (t Token) String() string { return tokenPrefix + ":" + t.Service + ":..." }

// GoString is String, for %#v.
func (t Token) GoString() string { return t.String() }

// LogValue is what slog writes.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }
