package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
	"guildhall/platform/id"
	"guildhall/platform/seal"
)

const (
	prefix  = "key"
	rsaBits = 2048
)

// key is an opened key.
type key struct {
	store.SigningKey
	private crypto.Signer
	public  crypto.PublicKey
	// signers are by type of token: each has its headers.
	signers sync.Map // string: jose.Signer
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
		return nil, fmt.Errorf("open a signing key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", r.ID, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the signing key %s is a %T, which does not sign", r.ID, parsed)
	}
	return &key{SigningKey: *r, private: private, public: private.Public()}, nil
}

func (k *key) sign(typ string, payload []byte) (string, error) {
	signer, err := k.signer(typ)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

func (k *key) signer(typ string) (jose.Signer, error) {
	if s, ok := k.signers.Load(typ); ok {
		return s.(jose.Signer), nil
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: jose.JSONWebKey{Key: k.private, KeyID: k.ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return nil, err
	}
	k.signers.Store(typ, s)
	return s, nil
}
