package client

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/jws"
)

const (
	maxKeySet  = 16 << 10 // bytes
	maxKeys    = 10
	minRSABits = 2048
	maxRSABits = 8192
)

// Keys are the public keys in the metadata, which Check has seen.
func (m *Metadata) Keys() ([]jose.JSONWebKey, error) {
	if len(m.JWKS) == 0 {
		return nil, nil
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(m.JWKS, &set); err != nil {
		return nil, fmt.Errorf("read an application's keys: %w", err)
	}
	return set.Keys, nil
}

// checkKeys says what is wrong with a JWK set, of keys that sign assertions or only
// stand in certificates; empty: nothing. It repeats nothing of the set, because
// there may be a private key in it.
func checkKeys(text json.RawMessage, sign bool) string {
	if len(text) > maxKeySet {
		return fmt.Sprintf("The key set has more than %d bytes.", maxKeySet)
	}
	// A member that has no meaning here would be kept all the same, so there are none.
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := strict.Decode(&set); err != nil || strict.More() {
		return `This is no key set. Write {"keys": [...]} (RFC 7517).`
	}
	if len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		return fmt.Sprintf("The key set has 1 to %d keys.", maxKeys)
	}
	var ids []string
	for i, raw := range set.Keys {
		var k jose.JSONWebKey
		if why := checkKey(raw, &k); why != "" {
			return fmt.Sprintf("keys[%d]: %s", i, why)
		}
		if sign && !signs(&k) {
			return fmt.Sprintf("keys[%d]: no assertion is accepted by it. Use a key for one of %s.", i, strings.Join(jws.Algorithms(), ", "))
		}
		if k.KeyID != "" && slices.Contains(ids, k.KeyID) {
			return fmt.Sprintf("keys[%d]: another key has the same kid.", i)
		}
		ids = append(ids, k.KeyID)
	}
	return ""
}

// secretMembers are those that only private and symmetric keys have: RFC 7518, 6.
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

func checkKey(raw json.RawMessage, k *jose.JSONWebKey) string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return "this is no JSON object."
	}
	for _, name := range secretMembers {
		if _, there := members[name]; there {
			return "this is a secret key. Send public keys alone; this one was shown to others now, so make another."
		}
	}
	if err := json.Unmarshal(raw, k); err != nil || !k.Valid() || !k.IsPublic() {
		return "this is no public key of kty EC, OKP or RSA, or its certificate (x5c) is of another key."
	}
	if k.Use != "" && k.Use != "sig" {
		return `its "use" is not "sig".`
	}
	return checkStrength(k)
}

// signs says whether there is an algorithm by which assertions of the key are
// accepted.
func signs(k *jose.JSONWebKey) bool {
	return slices.ContainsFunc(jws.Algorithms(), func(algorithm string) bool {
		return jws.Fits(algorithm, k.Key) == nil && (k.Algorithm == "" || jws.Same(k.Algorithm, algorithm))
	})
}

func checkStrength(k *jose.JSONWebKey) string {
	switch public := k.Key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return ""
	case *rsa.PublicKey:
		if n := public.N.BitLen(); n < minRSABits || n > maxRSABits {
			return fmt.Sprintf("an RSA key has %d to %d bits.", minRSABits, maxRSABits)
		}
		return ""
	default:
		return "its kty is not EC, OKP or RSA."
	}
}
