// Package jws reads what others signed: proofs of possession and the assertions
// of clients, in the compact form of RFC 7515. What identity signed itself,
// package signing reads.
//
// Accepted are asymmetric algorithms alone, each with keys made for it alone: so
// neither "none" nor a public key that is taken for a shared secret gets
// anywhere.
package jws

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

const (
	// MaxBytes bounds a token: the largest key and signature that are accepted,
	// and some claims.
	MaxBytes = 8 << 10
	// MinRSA bounds the keys of RSA, in bits.
	MinRSA = 2048
	// MaxRSA does so too: larger ones only cost time.
	MaxRSA = 4096
)

// ed25519Name is what RFC 9864 calls EdDSA with Ed25519. Newer clients use it.
const ed25519Name = "Ed25519"

// Algorithms are the accepted ones, as discovery lists them.
func Algorithms() []string {
	return []string{"ES256", "ES384", ed25519Name, "EdDSA", "PS256", "RS256"}
}

// Same says whether two names are of one algorithm.
func Same(a, b string) bool {
	known := func(name string) string {
		if name == ed25519Name {
			return "EdDSA"
		}
		return name
	}
	return known(a) == known(b)
}

// Token is a token whose signature nobody has checked yet.
type Token struct {
	// Type is the header "typ", Algorithm "alg" and KeyID "kid".
	Type, Algorithm, KeyID string
	// Key is the header "jwk", a public key; nil without one.
	Key *jose.JSONWebKey

	object *jose.JSONWebSignature
}

// Parse reads a token. What it says is not to be believed before Verify.
func Parse(text string) (*Token, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("it has %d bytes; at most %d are accepted", len(text), MaxBytes)
	}
	// The decoder behind would overlook line breaks.
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' }) {
		return nil, errors.New("it has blanks in it")
	}
	var accepted []jose.SignatureAlgorithm
	for _, name := range Algorithms() {
		accepted = append(accepted, jose.SignatureAlgorithm(name))
	}
	object, err := jose.ParseSignedCompact(text, accepted)
	if err != nil {
		return nil, fmt.Errorf("read a signed token: %w", err)
	}
	h := object.Signatures[0].Protected
	for _, name := range []jose.HeaderKey{"crit", "b64"} {
		if _, there := h.ExtraHeaders[name]; there {
			return nil, fmt.Errorf("its header has %q, which is not understood here", name)
		}
	}
	typ, _ := h.ExtraHeaders[jose.HeaderType].(string)
	return &Token{Type: typ, Algorithm: h.Algorithm, KeyID: h.KeyID, Key: h.JSONWebKey, object: object}, nil
}

// Verify checks the signature with a public key and decodes the claims into the
// value that into points to. A name is matched letter by letter and may be there
// once.
func (t *Token) Verify(key any, into any) error {
	if err := Fits(t.Algorithm, key); err != nil {
		return err
	}
	if k, ok := key.(ed25519.PublicKey); ok {
		key = ed25519Key(k)
	}
	payload, err := t.object.Verify(key)
	if err != nil {
		return fmt.Errorf("check the signature: %w", err)
	}
	if err := json.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("read the claims: %w", err)
	}
	return nil
}

// ed25519Key verifies under both names of the algorithm; the library knows one.
type ed25519Key ed25519.PublicKey

// VerifyPayload implements jose.OpaqueVerifier.
func (k ed25519Key) VerifyPayload(signed, signature []byte, _ jose.SignatureAlgorithm) error {
	if len(k) != ed25519.PublicKeySize || !ed25519.Verify(ed25519.PublicKey(k), signed, signature) {
		return jose.ErrCryptoFailure
	}
	return nil
}

// Fits says what keeps a public key from being used with an algorithm: nil when
// nothing does.
func Fits(algorithm string, key any) error {
	if !slices.Contains(Algorithms(), algorithm) {
		return fmt.Errorf("the algorithm %q is not accepted", algorithm)
	}
	var fits []string
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			fits = []string{"ES256"}
		case elliptic.P384():
			fits = []string{"ES384"}
		}
	case ed25519.PublicKey:
		fits = []string{ed25519Name, "EdDSA"}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < MinRSA || bits > MaxRSA {
			return fmt.Errorf("the RSA key has %d bits; accepted are %d to %d", bits, MinRSA, MaxRSA)
		}
		fits = []string{"RS256", "PS256"}
	}
	if !slices.Contains(fits, algorithm) {
		return fmt.Errorf("the key is not one for the algorithm %s", algorithm)
	}
	return nil
}
