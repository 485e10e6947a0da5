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
	sharedLen  = 32
	aeadKeyLen = 32
	nonceLen   = 12
	tagLen     = 16
	pskSaltLen = 24
	// pskHeader is before the cipher text, in both directions: version, key id and
	// salt.
	pskHeader = 1 + keyIDLen + pskSaltLen

	infoPSKRequest = "guildhall license psk request v1"
	infoPSKAnswer  = "guildhall license psk answer v1"
)

// sealPSK seals the plain text of a request, and says how to open the answer.
func (c *Client) sealPSK(p Params, salt, plain []byte) ([]byte, func([]byte) ([]byte, error)) {
	header := append(append([]byte{version}, c.id[:]...), salt...)
	prk := extract(c.shared, salt)
	sealed := newBox(prk, infoPSKRequest).seal(header, plain, p.aad(header))
	request := sha256.Sum256(sealed)
	return sealed, func(answer []byte) ([]byte, error) {
		if err := checkHeader(answer, pskHeader, answerFrame); err != nil {
			return nil, err
		}
		if KeyID(answer[1:]) != c.id {
			return nil, fmt.Errorf("%w: it is not that of the request", ErrKey)
		}
		header := answer[:pskHeader]
		return answerBox(prk, header).open(answer[pskHeader:], p.aad(header, request[:]))
	}
}

// openPSK opens what sealPSK sealed.
func (r *Request) openPSK(keys Lookup, sealed []byte) error {
	if err := checkHeader(sealed, pskHeader, proofLen); err != nil {
		return err
	}
	header := sealed[:pskHeader]
	r.KeyID, r.Salt = KeyID(header[1:]), header[1+keyIDLen:]
	key, ok := []byte(nil), false
	if keys.PSK != nil {
		key, ok = keys.PSK(r.KeyID)
	}
	if !ok || len(key) != sharedLen {
		return fmt.Errorf("%w: no shared key is %s", ErrKey, r.KeyID)
	}
	prk := extract(key, r.Salt)
	plain, err := newBox(prk, infoPSKRequest).open(sealed[pskHeader:], r.Params.aad(header))
	if err != nil {
		return err
	}
	request := sha256.Sum256(sealed)
	r.seal = func(plain []byte) []byte { return r.answerPSK(prk, request[:], randomBytes(pskSaltLen), plain) }
	r.Proof, r.Body, err = splitRequest(plain)
	return err
}

// answerPSK seals the plain text of an answer. It has a salt of its own, so that
// two answers to one request, of which a copy may have come, share no key.
func (r *Request) answerPSK(prk, request, salt, plain []byte) []byte {
	header := append(append([]byte{version}, r.KeyID[:]...), salt...)
	return answerBox(prk, header).seal(header, plain, r.Params.aad(header, request))
}

func answerBox(prk, header []byte) box {
	return newBox(prk, infoPSKAnswer+string(header[1+keyIDLen:]))
}

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
