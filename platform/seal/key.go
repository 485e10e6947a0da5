// Package seal keeps secrets at rest. What a service must be able to read again
// (a private key, a queued letter) lies in its database sealed under a Key, and
// the key in a file beside it: whoever has the database alone reads nothing.
package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrOpen says that a sealed text does not open: it was sealed under another
// key, for another name, or was changed.
var ErrOpen = errors.New("the sealed text does not open")

const (
	keyPrefix = "guildhall-key-1:"
	keyLen    = chacha20poly1305.KeySize
	version   = 1
)

// keyPattern is the text of a key: its use, and 32 bytes in base64.
var keyPattern = regexp.MustCompile("^" + keyPrefix + "([a-z]{1,20}):([A-Za-z0-9_-]{43})$")

// Key seals secrets with XChaCha20-Poly1305, and is the root of other keys for
// the same use. The zero Key is none.
type Key struct {
	use  string
	root [keyLen]byte
}

// NewKey makes a random key. The use says whose it is, such as "identity" or
// "mail", in at most 20 letters of a to z: keys for different uses cannot be
// mistaken for each other.
func NewKey(use string) Key {
	k := Key{use: use}
	// crypto/rand.Read never fails: it ends the process instead.
	_, _ = rand.Read(k.root[:])
	return k
}

// FromSecret is the key for the use that is made of a secret, which is as hard
// to guess as a random one.
func FromSecret(secret [keyLen]byte, use string) Key { return Key{use: use, root: secret} }

// ParseKey reads what Text wrote of a key for the use. The error never repeats
// the secret.
func ParseKey(text, use string) (Key, error) {
	parts := keyPattern.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return Key{}, fmt.Errorf("this is not a key (one for %s begins with %s%s:)", use, keyPrefix, use)
	}
	if parts[1] != use {
		return Key{}, fmt.Errorf("this is a key for %s and not for %s", parts[1], use)
	}
	root, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return Key{}, fmt.Errorf("this key for %s was changed", use)
	}
	return Key{use: use, root: [keyLen]byte(root)}, nil
}

// Text is the key as it stands in its file.
func (k Key) Text() string {
	return keyPrefix + k.use + ":" + base64.RawURLEncoding.EncodeToString(k.root[:])
}

// Format writes the key's id whatever the verb, so that no log tells the key.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "key for %s %s", k.use, k.ID()) }

// ID names the key without telling it, so that an operator can find the right
// file among several.
func (k Key) ID() string { return hex.EncodeToString(k.Derive("id")[:8]) }

// Derive is a key of 32 bytes for another purpose, such as "audit" or "codes";
// it tells nothing of this key or of those for other purposes.
func (k Key) Derive(purpose string) []byte {
	derived, err := hkdf.Key(sha256.New, k.root[:], nil, "guildhall "+k.use+" "+purpose, keyLen)
	if err != nil {
		panic(err) // only for a length that SHA-256 cannot give
	}
	return derived
}

// Seal encrypts plain under a name, such as "totp/usr_06a4..."; Open needs the
// same, so that a sealed text put into another's row does not open.
func (k Key) Seal(name string, plain []byte) []byte {
	aead := k.aead()
	// The nonce has 24 bytes: random ones do not meet.
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce)
	return append([]byte{version}, aead.Seal(nonce, nonce, plain, []byte(name))...)
}

// Open decrypts what Seal made under this key and name, or returns ErrOpen.
func (k Key) Open(name string, sealed []byte) ([]byte, error) {
	aead := k.aead()
	if len(sealed) < 1+aead.NonceSize()+aead.Overhead() || sealed[0] != version {
		return nil, fmt.Errorf("%s: %w", name, ErrOpen)
	}
	nonce, text := sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, text, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, ErrOpen)
	}
	return plain, nil
}

func (k Key) aead() cipher.AEAD {
	aead, err := chacha20poly1305.NewX(k.Derive("seal"))
	if err != nil {
		panic(err) // only for a key of another length
	}
	return aead
}
