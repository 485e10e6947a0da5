// Package seal keeps small secrets in the database: encrypted under the one key
// of the service, which lies in a file beside it. Whoever has the database alone
// reads none of them.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrOpen says that a sealed text does not open: it was sealed under another
// key, for another name, or was changed.
var ErrOpen = errors.New("the sealed text does not open")

const (
	keyPrefix = "guildhall-identity-key-1:"
	keyLen    = 32
	version   = 1
)

// Key seals secrets with AES-256-GCM, and is the root of the other keys of the
// service. The zero Key is none: Load or NewKey makes one.
type Key struct {
	root [keyLen]byte
}

// NewKey makes a random key.
func NewKey() Key {
	var k Key
	// crypto/rand.Read never fails: it ends the process instead.
	_, _ = rand.Read(k.root[:])
	return k
}

// ParseKey reads what Text wrote. The error never repeats the text.
func ParseKey(text string) (Key, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), keyPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	var k Key
	if !ok || err != nil || len(raw) != keyLen {
		return Key{}, errors.New("this is not a key of identity")
	}
	copy(k.root[:], raw)
	return k, nil
}

// Text is the key as it stands in its file.
func (k Key) Text() string { return keyPrefix + base64.RawURLEncoding.EncodeToString(k.root[:]) }

// ID names the key without telling it.
func (k Key) ID() string { return hex.EncodeToString(k.Derive("id")[:8]) }

// Derive is a key of 32 bytes for another use, such as "audit" or "codes"; it
// tells nothing of this key or of those for other uses.
func (k Key) Derive(use string) []byte {
	derived, err := hkdf.Key(sha256.New, k.root[:], nil, "guildhall identity "+use, keyLen)
	if err != nil {
		panic(err) // only for a length that SHA-256 cannot give
	}
	return derived
}

// Seal encrypts plain for the named use, such as "totp/usr_06a4..."; Open needs
// the same name, so that a sealed text put into another's row does not open.
func (k Key) Seal(name string, plain []byte) []byte {
	aead := k.aead()
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
	block, err := aes.NewCipher(k.Derive("seal"))
	if err != nil {
		panic(err) // only for a key of another length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}
