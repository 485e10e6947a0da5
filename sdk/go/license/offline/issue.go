package offline

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
)

// Issue signs the claims. The error names the field that cannot be issued. Seal the
// confidential parts first.
func Issue(c Claims, key ed25519.PrivateKey) (string, error) {
	if len(key) != ed25519.PrivateKeySize {
		return "", errors.New("issue the licence: the signing key is no Ed25519 key")
	}
	c = c.exact()
	c.Version = Version
	if found := c.Check(); len(found) > 0 {
		return "", refuse(ClaimsWrong, "The licence cannot be issued: %s: %s", found[0].Field, found[0].Detail)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("issue the licence: %w", err)
	}
	out := sign(text, c.Product, key).String()
	if len(out) > maxToken {
		return "", refuse(ClaimsWrong, "The licence would have more than %d bytes.", maxToken)
	}
	return out, nil
}
