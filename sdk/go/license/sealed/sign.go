package sealed

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// The purposes of signatures: what one purpose signed verifies for no other.
const (
	purposeRequest       = "guildhall license request v1\n"
	purposeAnswer        = "guildhall license answer v1\n"
	purposeConfiguration = "guildhall license configuration v1\n"
)

// Signer is a key that signs answers, under the id by which clients know it.
type Signer struct {
	ID  KeyID
	Key ed25519.PrivateKey
}

// AnswerKeys finds the public key of an answer's key id, or says ErrKey.
type AnswerKeys func(KeyID) (ed25519.PublicKey, error)

// SignProof proves that whoever sends the body holds the device key.
func SignProof(device ed25519.PrivateKey, p Params, body []byte) ([]byte, error) {
	if err := errors.Join(p.check(), checkBody(body)); err != nil {
		return nil, err
	}
	return sign(device, requestText(p, body))
}

// requestText is what a device key signs.
func requestText(p Params, body []byte) []byte {
	return []byte(purposeRequest + p.Path + "\n" + p.Product + "\n" + hash(body))
}

// answerText is what an answer key signs.
func answerText(p Params, request, answer []byte) []byte {
	return []byte(purposeAnswer + p.Path + "\n" + p.Product + "\n" + hash(request) + "\n" + hash(answer))
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func sign(key ed25519.PrivateKey, text []byte) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w: there is no key to sign with", ErrKey)
	}
	return ed25519.Sign(key, text), nil
}

func verify(key ed25519.PublicKey, text, signature []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: a public key of Ed25519 has %d bytes", ErrKey, ed25519.PublicKeySize)
	}
	if !ed25519.Verify(key, text, signature) {
		return ErrSignature
	}
	return nil
}
