package call

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/decide"
	"guildhall/license/internal/store"
	"guildhall/sdk/go/license"
)

const x25519Size = 32

// prepare reads what the call needs, outside the transaction, which others wait for.
// Nobody learns here whether there is such a thing.
func (t *turn) prepare(ctx context.Context) (err error) {
	switch t.in.Call {
	case license.CallOpen:
		return t.prepareHandshake(ctx)
	case license.CallFunction:
		return t.prepareFunction(ctx)
	case license.CallFiles:
		t.files, err = t.s.o.Files.Of(ctx, t.in.Product, t.in.Version)
	}
	return err
}

func (t *turn) prepareHandshake(ctx context.Context) error {
	name, key, err := t.s.o.Catalogue.Handshake(ctx, t.in.Product, t.in.Version, t.in.HandshakeKey)
	if errors.Is(err, catalogue.ErrHandshakeKey) || errors.Is(err, store.ErrRelease) || errors.Is(err, store.ErrProduct) {
		return nil
	}
	t.handshakeName, t.handshakeKey = name, key
	return err
}

// keys judges the keys of a request that is accepted else: nothing is written for one
// that could not be answered. The key that a proven request brings stands before the
// registered one.
func (t *turn) keys(proven bool) decide.Code {
	t.sealKey = nil
	if t.environment != nil {
		t.sealKey = t.environment.SealKey
	}
	if d := t.in.Device; d != nil && proven && !bytes.Equal(d.Seal, t.sealKey) {
		if !usable(d.Seal) {
			return Malformed
		}
		t.sealKey = d.Seal
	}
	switch {
	case t.in.Call == license.CallFunction:
		return t.callable()
	case t.in.Call != license.CallOpen:
		return ""
	case len(t.sealKey) == 0:
		return NoDeviceKey
	case t.handshakeName == "":
		return NoHandshake
	}
	return ""
}

// usable says whether anything can be sealed to a key: a few points of the curve make
// no secret with any other.
func usable(public []byte) bool {
	key, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return false
	}
	probe, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, x25519Size))
	if err != nil {
		return false
	}
	_, err = probe.ECDH(key)
	return err == nil
}

// handshake is the key of the release, for the device alone.
func (t *turn) handshake() (*license.Handshake, error) {
	public, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(t.sealKey)
	if err != nil {
		return nil, fmt.Errorf("seal a handshake key: %w", err)
	}
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(license.HandshakeInfo))
	if err != nil {
		return nil, fmt.Errorf("seal a handshake key: %w", err)
	}
	text, err := sender.Seal([]byte(t.environment.ID+"\n"+t.handshakeName), t.handshakeKey)
	if err != nil {
		return nil, fmt.Errorf("seal a handshake key: %w", err)
	}
	return &license.Handshake{ID: t.handshakeName, Enc: enc, Ciphertext: text}, nil
}
