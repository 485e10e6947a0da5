package transport

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"guildhall/license/internal/store"
	"guildhall/platform/seal"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// secretLen is the length of every secret here: a seed of Ed25519, a private key of
// X25519, a shared key.
const secretLen = 32

// key is one that was opened.
type key struct {
	store.TransportKey
	id sealed.KeyID
	// One of them, by the kind.
	sign    ed25519.PrivateKey
	private *ecdh.PrivateKey
	shared  []byte
}

// generate makes the row of a new key.
func generate(kind, product string, by seal.Key) (store.TransportKey, error) {
	secret := make([]byte, secretLen)
	_, _ = rand.Read(secret) // never fails: it ends the process instead
	id := sealed.NewKeyID()
	k := key{TransportKey: store.TransportKey{ID: hex.EncodeToString(id[:]), Product: product, Kind: kind, Public: []byte{}}}
	if err := k.hold(secret); err != nil {
		return k.TransportKey, err
	}
	switch {
	case k.sign != nil:
		k.Public = k.sign.Public().(ed25519.PublicKey)
	case k.private != nil:
		k.Public = k.private.PublicKey().Bytes()
	}
	k.Sealed = by.Seal(sealName(k.ID), secret)
	return k.TransportKey, nil
}

// open opens the key of a row.
func open(row store.TransportKey, by seal.Key) (*key, error) {
	k := &key{TransportKey: row}
	id, err := hex.DecodeString(row.ID)
	if err != nil || len(id) != len(k.id) {
		return nil, fmt.Errorf("the transport key %q: its id is not 16 hexadecimal digits", row.ID)
	}
	copy(k.id[:], id)
	secret, err := by.Open(sealName(row.ID), row.Sealed)
	if err == nil {
		err = k.hold(secret)
	}
	if err != nil {
		return nil, fmt.Errorf("open the transport key %s: %w", row.ID, err)
	}
	return k, nil
}

func sealName(id string) string { return "transport/" + id }

// hold makes of a secret what the kind is.
func (k *key) hold(secret []byte) (err error) {
	if len(secret) != secretLen {
		return fmt.Errorf("it has %d bytes and not %d", len(secret), secretLen)
	}
	switch k.Kind {
	case store.KeyRoot, store.KeyAnswer:
		k.sign = ed25519.NewKeyFromSeed(secret)
	case store.KeyHPKE:
		k.private, err = ecdh.X25519().NewPrivateKey(secret)
	case store.KeyPSK, store.KeyKit:
		k.shared = secret
	default:
		err = fmt.Errorf("there is no kind %q", k.Kind)
	}
	return err
}

// over says that the key is of no use any more.
func (k *key) over(now time.Time) bool { return !k.To.IsZero() && !now.Before(k.To) }

// exported is a shared key as it stands in a kit.
func (k *key) exported() license.SharedKey {
	return license.SharedKey{ID: k.ID, Key: k.shared, To: k.To}
}

// public is the key in a configuration. A client's clock may be a little slow.
func (k *key) public() sealed.PublicKey {
	return sealed.PublicKey{ID: k.id, Public: sealed.KeyBytes(k.Public), NotBefore: k.From.Add(-slack), NotAfter: k.To}
}
