// Package passphrase seals the root key under a passphrase, which can leave the
// machine.
package passphrase

import (
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/scrypt"

	"guildhall/platform/seal"
)

// scrypt's cost (RFC 7914): 32 MiB and about a tenth of a second. Our own
// passphrases are random, so the cost only guards one that a person chose.
const (
	scryptN, scryptR, scryptP = 1 << 15, 8, 1
	secretLen                 = 32
	saltLen                   = 16
	// MinLen is the least number of characters of a passphrase.
	MinLen = 16
)

// ErrShort says that a passphrase is too easy to guess.
var ErrShort = fmt.Errorf("the passphrase has fewer than %d characters", MinLen)

// New makes a random passphrase of letters and digits.
func New() string { return rand.Text() + rand.Text()[:6] }

// Seal encrypts plain for the named use under a passphrase.
func Seal(phrase, name string, plain []byte) ([]byte, error) {
	if len(phrase) < MinLen {
		return nil, ErrShort
	}
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // it never fails: it ends the process instead
	key, err := stretch(phrase, salt)
	if err != nil {
		return nil, err
	}
	return append(salt, key.Seal(name, plain)...), nil
}

// Open decrypts what Seal made, or returns seal.ErrOpen.
func Open(phrase, name string, sealed []byte) ([]byte, error) {
	if len(sealed) < saltLen {
		return nil, fmt.Errorf("%s: %w", name, seal.ErrOpen)
	}
	key, err := stretch(phrase, sealed[:saltLen])
	if err != nil {
		return nil, errors.Join(seal.ErrOpen, err)
	}
	return key.Open(name, sealed[saltLen:])
}

func stretch(phrase string, salt []byte) (seal.Key, error) {
	secret, err := scrypt.Key([]byte(phrase), salt, scryptN, scryptR, scryptP, secretLen)
	if err != nil {
		return seal.Key{}, fmt.Errorf("stretch the passphrase: %w", err)
	}
	return seal.FromSecret([secretLen]byte(secret), "passphrase"), nil
}
