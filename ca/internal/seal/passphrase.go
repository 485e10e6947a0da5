package seal

import (
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/scrypt"
)

// scrypt's cost (RFC 7914): 32 MiB and about a tenth of a second. Our own
// passphrases are random, so the cost only guards one that a person chose.
const (
	scryptN, scryptR, scryptP = 1 << 15, 8, 1
	saltLen                   = 16
	// MinPassphrase is the least number of characters of a passphrase.
	MinPassphrase = 16
)

// ErrShortPassphrase says that a passphrase is too easy to guess.
var ErrShortPassphrase = fmt.Errorf("the passphrase has fewer than %d characters", MinPassphrase)

// NewPassphrase makes a random passphrase of letters and digits.
func NewPassphrase() string { return rand.Text() + rand.Text()[:6] }

// WithPassphrase encrypts plain for the named use under a passphrase.
func WithPassphrase(passphrase, name string, plain []byte) ([]byte, error) {
	if len(passphrase) < MinPassphrase {
		return nil, ErrShortPassphrase
	}
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt)
	secret, err := stretch(passphrase, salt)
	if err != nil {
		return nil, err
	}
	return append(salt, seal(secret, name, plain)...), nil
}

// OpenWithPassphrase decrypts what WithPassphrase made, or returns ErrOpen.
func OpenWithPassphrase(passphrase, name string, sealed []byte) ([]byte, error) {
	if len(sealed) < saltLen {
		return nil, fmt.Errorf("%s: %w", name, ErrOpen)
	}
	secret, err := stretch(passphrase, sealed[:saltLen])
	if err != nil {
		return nil, errors.Join(ErrOpen, err)
	}
	return open(secret, name, sealed[saltLen:])
}

func stretch(passphrase string, salt []byte) ([]byte, error) {
	secret, err := scrypt.Key([]byte(passphrase), salt, scryptN, scryptR, scryptP, 32)
	if err != nil {
		return nil, fmt.Errorf("stretch the passphrase: %w", err)
	}
	return secret, nil
}
