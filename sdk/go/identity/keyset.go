package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

const (
	// maxSigned bounds what Open looks at, in bytes.
	maxSigned = 64 << 10
	// minRSA and maxRSA bound the keys of RSA, in bits.
	minRSA, maxRSA = 2048, 4096
	// halfES256 is the length of each number of a signature of ES256.
	halfES256 = 32
)

// KeySet is the public keys that identity signs with (RFC 7517). It does not change
// and is safe for concurrent use.
type KeySet struct {
	byID map[string]publicKey
	// byHeader finds a key by the header that identity writes into access tokens:
	// the usual case need not be taken apart.
	byHeader map[string]publicKey
}

type publicKey struct {
	algorithm string
	key       crypto.PublicKey
}

// jwk is a key on the wire.
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	N         string `json:"n"`
	E         string `json:"e"`
}

// ParseKeySet reads a JWK set. Keys of kinds that identity does not sign access
// tokens with are passed over.
func ParseKeySet(text []byte) (*KeySet, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	k := &KeySet{byID: map[string]publicKey{}, byHeader: map[string]publicKey{}}
	for _, j := range set.Keys {
		key, err := j.key()
		if err != nil {
			return nil, fmt.Errorf("read the key %q: %w", j.ID, err)
		}
		if key != nil && j.ID != "" {
			k.byID[j.ID] = publicKey{j.Algorithm, key}
			k.byHeader[usualHeader(j)] = k.byID[j.ID]
		}
	}
	if len(k.byID) == 0 {
		return nil, errors.New("read the key set: it holds no key that signs access tokens")
	}
	return k, nil
}

// key is nil for a key of another kind.
func (j *jwk) key() (crypto.PublicKey, error) {
	switch {
	case j.Algorithm == "ES256" && j.Type == "EC" && j.Curve == "P-256":
		x, y := number(j.X), number(j.Y)
		if len(x) != halfES256 || len(y) != halfES256 {
			return nil, errors.New("it has no point of P-256")
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	case j.Algorithm == "EdDSA" && j.Type == "OKP" && j.Curve == "Ed25519":
		x := number(j.X)
		if len(x) != ed25519.PublicKeySize {
			return nil, errors.New("it has no point of Ed25519")
		}
		return ed25519.PublicKey(x), nil
	case j.Algorithm == "RS256" && j.Type == "RSA":
		n, e := new(big.Int).SetBytes(number(j.N)), new(big.Int).SetBytes(number(j.E))
		if n.BitLen() < minRSA || n.BitLen() > maxRSA || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return nil, fmt.Errorf("it is no RSA key of %d to %d bits", minRSA, maxRSA)
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
	default:
		return nil, nil
	}
}

// number is what base64url text holds, nil if it is none.
func number(text string) []byte {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil
	}
	return raw
}

// usualHeader is the header of an access token as identity writes it. What else means
// the same is taken apart.
func usualHeader(j jwk) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"kid":%q,"typ":%q}`, j.Algorithm, j.ID, TypeAccess))
}

// Open is the payload of a compact JWS (RFC 7515) of the type that a key of the set
// signed by its own algorithm; else ErrToken.
func (k *KeySet) Open(token, typ string) ([]byte, error) {
	last := strings.LastIndexByte(token, '.')
	// base64 skips line ends.
	if last < 0 || len(token) > maxSigned || strings.ContainsAny(token, "\r\n") || strings.Count(token, ".") != 2 {
		return nil, fmt.Errorf("%w: it is no signed token", ErrToken)
	}
	head, body, _ := strings.Cut(token[:last], ".")
	key, err := k.signedBy(head, typ)
	if err != nil {
		return nil, err
	}
	encoding := base64.RawURLEncoding.Strict()
	signature, err := encoding.DecodeString(token[last+1:])
	if err != nil || !key.verifies(token[:last], signature) {
		return nil, fmt.Errorf("%w: its signature is wrong", ErrToken)
	}
	payload, err := encoding.DecodeString(body)
	if err != nil {
		return nil, fmt.Errorf("%w: its claims cannot be read: %w", ErrToken, err)
	}
	return payload, nil
}

// signedBy is the key that a header names.
func (k *KeySet) signedBy(head, typ string) (publicKey, error) {
	if key, ok := k.byHeader[head]; ok && typ == TypeAccess {
		return key, nil
	}
	var header struct {
		Algorithm string          `json:"alg"`
		KeyID     string          `json:"kid"`
		Type      string          `json:"typ"`
		Critical  json.RawMessage `json:"crit"`
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(head)
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		return publicKey{}, fmt.Errorf("%w: its header cannot be read: %w", ErrToken, err)
	}
	key, ok := k.byID[header.KeyID]
	if !ok {
		return publicKey{}, ErrKey
	}
	if header.Algorithm != key.algorithm || header.Type != typ || len(header.Critical) > 0 {
		return publicKey{}, fmt.Errorf("%w: its header says alg %q, typ %q", ErrToken, header.Algorithm, header.Type)
	}
	return key, nil
}

func (p publicKey) verifies(input string, signature []byte) bool {
	switch key := p.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, []byte(input), signature)
	case *ecdsa.PublicKey:
		if len(signature) != 2*halfES256 {
			return false
		}
		digest := sha256.Sum256([]byte(input))
		r, s := new(big.Int).SetBytes(signature[:halfES256]), new(big.Int).SetBytes(signature[halfES256:])
		return ecdsa.Verify(key, digest[:], r, s)
	case *rsa.PublicKey:
		digest := sha256.Sum256([]byte(input))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	default:
		return false
	}
}
