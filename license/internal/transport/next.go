package transport

import (
	"crypto/ecdh"
	"crypto/hpke"
	"fmt"

	"guildhall/license/internal/store"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// next is the shared key that the client should use from now on; nil: none but that which
// it has. It is told to whoever has a good card, which an answer that names its
// environment says, and proves that he holds the device keys that he names.
func (d *Desk) next(r *Request, a license.Answer) *key {
	device := r.Message.Device
	if r.Mode != sealed.PSK || a.Environment == "" || device == nil || r.VerifyProof(device.Sign) != nil {
		return nil
	}
	next := r.bundle.current(store.KeyPSK, d.now())
	if next == nil || next.id == r.key.id || r.key.Kind == store.KeyPSK && !next.From.After(r.key.From) {
		return nil
	}
	return next
}

// tell seals a shared key to the device, so that whoever has the key that the answer is
// sealed by does not get the next one too.
func tell(r *Request, next *key) (*license.SealedPSK, error) {
	public, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(r.Message.Device.Seal)
	if err != nil {
		return nil, fmt.Errorf("tell a shared key: %w", err)
	}
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(license.NextPSKInfo))
	if err != nil {
		return nil, fmt.Errorf("tell a shared key: %w", err)
	}
	text, err := sender.Seal([]byte(r.Params.Product+"\n"+next.ID), next.shared)
	if err != nil {
		return nil, fmt.Errorf("tell a shared key: %w", err)
	}
	return &license.SealedPSK{ID: next.ID, To: next.To, Enc: enc, Ciphertext: text}, nil
}
