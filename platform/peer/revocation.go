package peer

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// maxSerial is the length that RFC 5280, section 4.1.2.2 allows a serial number.
const maxSerial = 20

// revocationDomain separates the hash of revocations from all other hashes.
const revocationDomain = "guildhall revocation v1\x00"

// Revocation is one entry of the authority's list. Sequence numbers start at 1
// and leave no gaps.
type Revocation struct {
	Seq uint64 `json:"seq"`
	// Serial is the certificate's serial number in lower-case hexadecimal, two
	// digits a byte.
	Serial string `json:"serial"`
	// Reason is an RFC 5280 reason code.
	Reason int `json:"reason,omitempty"`
	// RevokedAt and NotAfter are microseconds since 1970 UTC; after NotAfter the
	// certificate is of no use anyway.
	RevokedAt int64 `json:"revoked_at"`
	NotAfter  int64 `json:"not_after"`
}

// Hash is the value of the chain of hashes over all revocations up to one of
// them. It fixes each of them and their order.
type Hash [sha256.Size]byte

// Next is the hash after r follows what h stands for.
func (h Hash) Next(r Revocation) (Hash, error) {
	serial, err := parseSerial(r.Serial)
	if err != nil {
		return Hash{}, fmt.Errorf("revocation %d: %w", r.Seq, err)
	}
	if r.Reason < 0 || r.Reason > 255 {
		return Hash{}, fmt.Errorf("revocation %d: the reason code %d is not between 0 and 255", r.Seq, r.Reason)
	}
	var buf [len(revocationDomain) + sha256.Size + maxSerial + 3*8 + 1]byte
	b := append(buf[:0], revocationDomain...)
	b = append(b, h[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = append(b, serial[:]...)
	b = append(b, byte(r.Reason))
	b = binary.BigEndian.AppendUint64(b, uint64(r.RevokedAt)) //nolint:gosec // two's complement, both ways alike
	b = binary.BigEndian.AppendUint64(b, uint64(r.NotAfter))  //nolint:gosec // as above
	return sha256.Sum256(b), nil
}

// serialKey is a serial number as a set key: big-endian, padded on the left.
type serialKey [maxSerial]byte

var errSerial = errors.New("the serial number is not 1 to 20 bytes of lower-case hexadecimal")

func parseSerial(text string) (k serialKey, err error) {
	n := len(text) / 2
	if n < 1 || n > maxSerial || len(text)%2 != 0 {
		return k, errSerial
	}
	if _, err := hex.Decode(k[maxSerial-n:], []byte(text)); err != nil || bytes.ContainsAny([]byte(text), "ABCDEF") {
		return serialKey{}, errSerial
	}
	return k, nil
}

// serialOf allocates nothing. ok is false for a number that no authority may
// issue; such a certificate is refused.
func serialOf(cert *x509.Certificate) (k serialKey, ok bool) {
	n := cert.SerialNumber
	if n == nil || n.Sign() < 0 || n.BitLen() > maxSerial*8 {
		return k, false
	}
	n.FillBytes(k[:])
	return k, true
}

// SerialText is a certificate's serial number in the form of Revocation.Serial.
func SerialText(cert *x509.Certificate) string {
	if cert.SerialNumber == nil {
		return ""
	}
	return hex.EncodeToString(cert.SerialNumber.Bytes())
}

func (r Revocation) revokedAt() time.Time { return time.UnixMicro(r.RevokedAt).UTC() }
