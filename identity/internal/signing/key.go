package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
	"guildhall/platform/id"
	"guildhall/platform/seal"
)

const (
	prefix  = "key"
	rsaBits = 2048
	// curveLen is the length of a number of P-256, in bytes.
	curveLen = 32
)

// key is an opened key, with the times that it had when it was read.
type key struct {
	store.SigningKey
	*pair
}

// pair is the key itself.
type pair struct {
	private crypto.Signer
	public  crypto.PublicKey
}

// generate makes a key, which is sealed already.
func generate(algorithm string, by seal.Key) (*store.SigningKey, error) {
	private, err := random(algorithm)
	if err != nil {
		return nil, fmt.Errorf("make a key for %s: %w", algorithm, err)
	}
	k := &store.SigningKey{ID: id.New(prefix), Algorithm: algorithm}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("write a key for %s: %w", algorithm, err)
	}
	k.Private = by.Seal(sealName(k.ID), pkcs8)
	jwk, err := json.Marshal(jose.JSONWebKey{Key: private.Public(), KeyID: k.ID, Algorithm: algorithm, Use: "sig"})
	if err != nil {
		return nil, fmt.Errorf("write a key for %s: %w", algorithm, err)
	}
	k.Public = string(jwk)
	return k, nil
}

func random(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case oauth.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case oauth.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case oauth.RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return nil, fmt.Errorf("no such algorithm")
	}
}

func sealName(id string) string { return "signing/" + id }

// open opens a key.
func open(r *store.SigningKey, by seal.Key) (*key, error) {
	pkcs8, err := by.Open(sealName(r.ID), r.Private)
	if err != nil {
		return nil, ErrSealed.Because(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", r.ID, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the signing key %s is a %T, which does not sign", r.ID, parsed)
	}
	return &key{*r, &pair{private, private.Public()}}, nil
}

// sign makes a compact JWS (RFC 7515, 7.1).
func (k *key) sign(typ string, payload []byte) (string, error) {
	header, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Type      string `json:"typ"`
	}{k.Algorithm, k.ID, typ})
	if err != nil {
		return "", err
	}
	encoding := base64.RawURLEncoding
	input := encoding.EncodeToString(header) + "." + encoding.EncodeToString(payload)
	signature, err := k.signature([]byte(input))
	if err != nil {
		return "", err
	}
	return input + "." + encoding.EncodeToString(signature), nil
}

// signature signs as RFC 7518, 3.3 and 3.4, and RFC 8037, 3.1 say.
func (k *key) signature(input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	switch private := k.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input), nil
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return nil, err
		}
		signature := make([]byte, 2*curveLen)
		r.FillBytes(signature[:curveLen])
		s.FillBytes(signature[curveLen:])
		return signature, nil
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	default:
		return nil, fmt.Errorf("a %T does not sign tokens", private)
	}
}
