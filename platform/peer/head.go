package peer

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// headDomain separates signatures over heads from all others by the same key.
const headDomain = "guildhall revocation head v1\x00"

const (
	headSize       = 4*8 + sha256.Size
	signedHeadSize = headSize + ed25519.SignatureSize
	// maxLease bounds what a head may promise.
	maxLease = 24 * time.Hour
)

// ErrForged is returned for a head that the status key did not sign.
var ErrForged = errors.New("the head of the revocation list is not signed by the authority this service trusts")

// Head states the whole revocation list at one moment.
type Head struct {
	// Base is the number up to which all revoked certificates have expired: a
	// snapshot holds the revocations after it. Sequence is the last one.
	Base, Sequence uint64
	// Hash is the chain hash at Sequence.
	Hash Hash
	// Issued is when the head was signed; from StaleAfter on nobody may rely on
	// it. Both have microseconds.
	Issued, StaleAfter time.Time
}

// Sign encodes and signs the head with an Ed25519 key.
func (h Head) Sign(key crypto.Signer) ([]byte, error) {
	b := h.encode()
	sig, err := key.Sign(rand.Reader, append([]byte(headDomain), b...), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("sign head: %w", err)
	}
	return append(b, sig...), nil
}

// OpenHead decodes a head and verifies its signature.
func OpenHead(signed []byte, key ed25519.PublicKey) (Head, error) {
	if len(signed) != signedHeadSize {
		return Head{}, fmt.Errorf("read head: %d bytes instead of %d", len(signed), signedHeadSize)
	}
	text, sig := signed[:headSize], signed[headSize:]
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, append([]byte(headDomain), text...), sig) {
		return Head{}, ErrForged
	}
	h := decodeHead(text)
	if h.Base > h.Sequence || !h.StaleAfter.After(h.Issued) || h.StaleAfter.Sub(h.Issued) > maxLease {
		return Head{}, fmt.Errorf("read head: base %d, sequence %d, issued %s, stale after %s cannot be", h.Base, h.Sequence, h.Issued, h.StaleAfter)
	}
	return h, nil
}

func (h Head) encode() []byte {
	b := make([]byte, 0, signedHeadSize)
	b = binary.BigEndian.AppendUint64(b, h.Base)
	b = binary.BigEndian.AppendUint64(b, h.Sequence)
	b = append(b, h.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Issued.UnixMicro()))
	return binary.BigEndian.AppendUint64(b, uint64(h.StaleAfter.UnixMicro()))
}

func decodeHead(b []byte) (h Head) {
	h.Base = binary.BigEndian.Uint64(b)
	h.Sequence = binary.BigEndian.Uint64(b[8:])
	copy(h.Hash[:], b[16:])
	b = b[16+sha256.Size:]
	h.Issued = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC()         //nolint:gosec // see encode
	h.StaleAfter = time.UnixMicro(int64(binary.BigEndian.Uint64(b[8:]))).UTC() //nolint:gosec // see encode
	return h
}
