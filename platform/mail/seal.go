package mail

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// keySize is the length of Options.Key: AES-256.
const keySize = 32

// seal hides letters in the queue.
type seal struct {
	aead cipher.AEAD
	id   string // names the key without telling it
}

func newSeal(key []byte) (*seal, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("the mail key has %d bytes; it must have %d", len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the mail key: %w", err)
	}
	// The nonce is random: at 2^32 letters under one key a repeated one is still
	// less likely than one in four billion.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("use the mail key: %w", err)
	}
	sum := sha256.Sum256(append([]byte("guildhall mail key id\x00"), key...))
	return &seal{aead: aead, id: hex.EncodeToString(sum[:4])}, nil
}

// close seals plain for the letter with the id.
func (s *seal) close(id string, plain []byte) []byte {
	return s.aead.Seal(nil, nil, plain, []byte(JobKind+" "+id)) //nolint:gosec // this AEAD draws the nonce itself, and demands nil
}

// open is the letter that close sealed under the key with the name.
func (s *seal) open(key, id string, sealed []byte) ([]byte, error) {
	if key != s.id {
		return nil, fmt.Errorf("the letter is sealed under the mail key %s and this process has %s: give all processes of a database the same mail.key", key, s.id)
	}
	plain, err := s.aead.Open(nil, nil, sealed, []byte(JobKind+" "+id))
	if err != nil {
		return nil, fmt.Errorf("open a queued letter: it was changed: %w", err)
	}
	return plain, nil
}
