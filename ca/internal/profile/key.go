package profile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
)

// KeyType names an algorithm and its size: "ecdsa-p256", "rsa-3072".
type KeyType string

// The types of key that the authority makes. Of RSA it certifies other sizes
// too, from minRSA to maxRSA bits.
const (
	ECDSAP256 KeyType = "ecdsa-p256"
	ECDSAP384 KeyType = "ecdsa-p384"
	Ed25519   KeyType = "ed25519"
	RSA2048   KeyType = "rsa-2048"
	RSA3072   KeyType = "rsa-3072"
	RSA4096   KeyType = "rsa-4096"
)

const (
	minRSA = 2048
	// maxRSA bounds the work that a stranger's key makes us do.
	maxRSA = 8192
)

// KeyTypes lists what NewKey makes, the default first.
func KeyTypes() []KeyType {
	return []KeyType{ECDSAP256, ECDSAP384, Ed25519, RSA2048, RSA3072, RSA4096}
}

// NewKey makes a private key. RSA takes from a tenth of a second to several
// seconds of a processor; the others take microseconds.
func NewKey(t KeyType) (crypto.Signer, error) {
	switch t {
	case ECDSAP256, "":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RSA2048, RSA3072, RSA4096:
		bits := map[KeyType]int{RSA2048: 2048, RSA3072: 3072, RSA4096: 4096}[t]
		return rsa.GenerateKey(rand.Reader, bits)
	}
	names := make([]string, 0, len(KeyTypes()))
	for _, k := range KeyTypes() {
		names = append(names, string(k))
	}
	return nil, fmt.Errorf("%q is not a type of key: use one of %s", t, strings.Join(names, ", "))
}

// TypeOf is the type of a public key, or an error when the authority does not
// certify it. The error is a sentence that says what to do.
func TypeOf(public crypto.PublicKey) (KeyType, error) {
	const remedy = "use ECDSA P-256 or P-384, Ed25519, or RSA of at least 2048 bits"
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return ECDSAP256, nil
		case elliptic.P384():
			return ECDSAP384, nil
		}
		return "", fmt.Errorf("the key is on curve %s: %s", key.Curve.Params().Name, remedy)
	case ed25519.PublicKey:
		return Ed25519, nil
	case *rsa.PublicKey:
		return rsaType(key)
	}
	return "", fmt.Errorf("the key is of a type that is not certified: %s", remedy)
}

func rsaType(key *rsa.PublicKey) (KeyType, error) {
	bits := key.N.BitLen()
	switch {
	case bits < minRSA:
		return "", fmt.Errorf("the RSA key has %d bits: make one of at least %d, or an ECDSA P-256 key", bits, minRSA)
	case bits > maxRSA:
		return "", fmt.Errorf("the RSA key has %d bits: make one of at most %d, or an ECDSA P-256 key", bits, maxRSA)
	case key.E < 1<<16+1 || key.E&1 == 0 || key.N.Bit(0) == 0:
		return "", fmt.Errorf("the RSA key has a weak exponent or modulus: make one with the exponent 65537")
	}
	return KeyType(fmt.Sprintf("rsa-%d", bits)), nil
}

// KeyID is the SHA-256 of the public key's SubjectPublicKeyInfo in hex: equal
// for equal keys.
func KeyID(rawSPKI []byte) string {
	sum := sha256.Sum256(rawSPKI)
	return hex.EncodeToString(sum[:])
}

// subjectKeyID is method 1 of RFC 7093: the first 160 bits of the SHA-256.
func subjectKeyID(public crypto.PublicKey) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("marshal the public key: %w", err)
	}
	sum := sha256.Sum256(spki)
	return sum[:20], nil
}
