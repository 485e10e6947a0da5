package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

const (
	version    = 1
	aeadKeyLen = 32
	nonceLen   = 12
	tagLen     = 16
)

// box is a key of AES-256-GCM for one message, with its nonce.
type box struct {
	aead  cipher.AEAD
	nonce []byte
}

// newBox expands a key and a nonce from a pseudo-random key.
func newBox(prk []byte, info string) box {
	secret := must(hkdf.Expand(sha256.New, prk, info, aeadKeyLen+nonceLen))
	return box{must(cipher.NewGCM(must(aes.NewCipher(secret[:aeadKeyLen])))), secret[aeadKeyLen:]}
}

// seal puts the cipher text behind the header.
func (b box) seal(header, plain, aad []byte) []byte {
	out := make([]byte, len(header), len(header)+len(plain)+tagLen)
	copy(out, header)
	return b.aead.Seal(out, b.nonce, plain, aad)
}

func (b box) open(sealed, aad []byte) ([]byte, error) {
	plain, err := b.aead.Open(nil, b.nonce, sealed, aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// checkHeader says whether a sealed message has the version and can hold its
// header, its frame and the tag.
func checkHeader(sealed []byte, header, frame int) error {
	if least := header + frame + tagLen; len(sealed) < least {
		return fmt.Errorf("%w: it has %d bytes and must have %d", ErrFormat, len(sealed), least)
	}
	if sealed[0] != version {
		return fmt.Errorf("%w: it has version %d; this program knows %d", ErrFormat, sealed[0], version)
	}
	return nil
}

func extract(secret, salt []byte) []byte { return must(hkdf.Extract(sha256.New, secret, salt)) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}

// must is for what fails only for lengths that the constants here do not have.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
