// Package seal keeps secrets at rest: under a key in a file (what the running
// service needs at any time) or under a passphrase (the root key, which it
// needs a few times a year).
package seal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrOpen says that a sealed text does not open: it was sealed under another
// key, for another name, or was changed.
var ErrOpen = errors.New("the sealed text does not open")

const (
	keyPrefix = "guildhall-seal-1:"
	version   = 1
)

// Key is a key-encryption key: it seals other secrets with XChaCha20-Poly1305.
type Key struct {
	secret [chacha20poly1305.KeySize]byte
}

// NewKey makes a random key.
func NewKey() Key {
	var k Key
	// crypto/rand.Read never fails: it ends the process instead.
	_, _ = rand.Read(k.secret[:])
	return k
}

// ParseKey reads what Text wrote. The error never repeats the text.
func ParseKey(text string) (Key, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), keyPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	var k Key
	if !ok || err != nil || len(raw) != len(k.secret) {
		return Key{}, errors.New("this is not a seal key")
	}
	copy(k.secret[:], raw)
	return k, nil
}

// Text is the key as it stands in its file.
func (k Key) Text() string { return keyPrefix + base64.RawURLEncoding.EncodeToString(k.secret[:]) }

// ID names the key without telling it, so that an operator can find the right
// file among several.
func (k Key) ID() string {
	sum := sha256.Sum256(append([]byte("guildhall seal key id\x00"), k.secret[:]...))
	return hex.EncodeToString(sum[:4])
}

// Seal encrypts plain for the named use; Open needs the same name.
func (k Key) Seal(name string, plain []byte) []byte {
	return seal(k.secret[:], name, plain)
}

// Open decrypts what Seal made under this key and name, or returns ErrOpen.
func (k Key) Open(name string, sealed []byte) ([]byte, error) {
	return open(k.secret[:], name, sealed)
}

func seal(secret []byte, name string, plain []byte) []byte {
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		panic(err) // only for a key of another length
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce)
	return append([]byte{version}, aead.Seal(nonce, nonce, plain, []byte(name))...)
}

func open(secret []byte, name string, sealed []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		panic(err)
	}
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
