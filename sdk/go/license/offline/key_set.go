package offline

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
)

// maxKeySet bounds the file of a key set, in bytes.
const maxKeySet = 64 << 10

// KeySet is the file that a program embeds: the public keys whose licences it accepts.
// It holds no secret, but whoever can change it in a program makes licences for it.
type KeySet struct {
	// Version is 1.
	Version int    `json:"v"`
	Product string `json:"product"`
	// Keys are the key that signs, those before whose licences are still accepted, and
	// the one that signs next.
	Keys []PublicKey `json:"keys"`
}

// PublicKey is a public key of Ed25519 with its id.
type PublicKey struct {
	ID string `json:"id"`
	// Public has 32 bytes, in base64url.
	Public string `json:"public"`
}

// NewKeySet is the set of these keys for a product.
func NewKeySet(product string, keys ...ed25519.PublicKey) *KeySet {
	s := &KeySet{Version: Version, Product: product, Keys: []PublicKey{}}
	for _, k := range keys {
		s.Keys = append(s.Keys, PublicKey{KeyID(k), encode(k)})
	}
	return s
}

// ParseKeySet reads a key set and checks it. The error is an *Error of the code KeyFile.
func ParseKeySet(text []byte) (*KeySet, error) {
	if len(text) > maxKeySet {
		return nil, refuse(KeyFile, "The file of the public keys has more than %d bytes.", maxKeySet)
	}
	if other := otherFile(text); other != "" && other != publicKeys {
		return nil, refuse(KeyFile, "This is %s, and no file of public keys as \"guildhall license key export\" writes it.", other)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var s KeySet
	if err := d.Decode(&s); err != nil {
		return nil, refuse(KeyFile, "The file of the public keys cannot be read: %v. Write it anew by \"guildhall license key export\".", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refuse(KeyFile, "Something follows the public keys in their file.")
	}
	switch {
	case s.Version == 0:
		return nil, refuse(KeyFile, "This is no file of public keys as \"guildhall license key export\" writes it: it does not say its version.")
	case s.Version != Version:
		return nil, refuse(KeyFile, "The file of the public keys is of version %d, not %d.", s.Version, Version)
	case s.Product == "":
		return nil, refuse(KeyFile, "The file of the public keys does not name the product.")
	case len(s.Keys) == 0:
		return nil, refuse(KeyFile, "The file of the public keys has no key.")
	}
	for i, k := range s.Keys {
		raw, err := decode(k.Public)
		if err != nil || len(raw) != ed25519.PublicKeySize || KeyID(raw) != k.ID {
			return nil, refuse(KeyFile, "The public key %d of the file, %q, is damaged.", i+1, k.ID)
		}
	}
	return &s, nil
}

// publicKeys is what otherFile says of a key set.
const publicKeys = "a file of public keys"

// otherFile is what else people give for keys, as a message calls it; empty: nothing known.
func otherFile(text []byte) string {
	text = bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(text, []byte(installKeyText)):
		return "an install key, which is the secret of one machine"
	case bytes.HasPrefix(text, []byte("-----BEGIN")) && bytes.Contains(text, []byte("PRIVATE KEY")):
		return "a private key, which nobody is to have but its owner"
	case beginLine.Match(text) || bytes.HasPrefix(text, []byte(header)):
		return "a licence"
	case bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"nonce"`)):
		return "a request"
	case bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"keys"`)):
		return publicKeys
	default:
		return ""
	}
}

// Trusted are the keys for Options.Keys.
func (s *KeySet) Trusted() []ed25519.PublicKey {
	var all []ed25519.PublicKey
	for _, k := range s.Keys {
		if raw, err := decode(k.Public); err == nil && len(raw) == ed25519.PublicKeySize {
			all = append(all, raw)
		}
	}
	return all
}

// Text is the set as its file has it.
func (s *KeySet) Text() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the public keys: %w", err)
	}
	return append(text, '\n'), nil
}
