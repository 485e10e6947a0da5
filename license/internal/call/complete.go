package call

import (
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"
	"time"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/decide"
	"guildhall/license/internal/store"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license"
)

// errMeanwhile says that a card changed within the transaction that read it, which
// cannot be.
var errMeanwhile = errors.New("the card was changed by somebody else within the transaction")

// complete is the answer to a request that was decided and written.
func (s *Service) complete(ctx context.Context, t *turn) (license.Answer, error) {
	d := t.decision
	a := license.Answer{Verdict: string(d.Verdict), Code: string(d.Code), Mode: string(d.Mode), ExpiresAt: optional(d.ExpiresAt), GraceUntil: optional(d.GraceUntil), Changed: d.Changed}
	if d.Verdict == decide.Refused {
		return a, nil
	}
	a.LeaseUntil, a.Heartbeat, a.Environment, a.Modules = optional(d.LeaseUntil), t.policy.Heartbeat, t.environment.ID, t.policy.Modules
	if t.in.Call != license.CallOpen {
		return a, nil
	}
	key, err := s.handshake(ctx, t)
	switch {
	case errors.Is(err, catalogue.ErrHandshakeKey), errors.Is(err, store.ErrRelease):
		return refused(NoHandshake), nil
	case err != nil:
		return a, err
	}
	a.Handshake = key
	return a, nil
}

// handshake is the key of the release, for the device alone.
func (s *Service) handshake(ctx context.Context, t *turn) (*license.Handshake, error) {
	name, key, err := s.o.Catalogue.Handshake(ctx, t.card.Product, t.in.Version, t.in.HandshakeKey)
	if err != nil {
		return nil, err
	}
	public, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(t.environment.SealKey)
	if err != nil {
		return nil, fault.New(fault.Invalid, NoDeviceKey, "The device's key for sealing is no key of X25519.").Because(err)
	}
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(license.HandshakeInfo))
	if err != nil {
		return nil, fmt.Errorf("seal a handshake key: %w", err)
	}
	text, err := sender.Seal([]byte(t.environment.ID+"\n"+name), key)
	if err != nil {
		return nil, fmt.Errorf("seal a handshake key: %w", err)
	}
	return &license.Handshake{ID: name, Enc: enc, Ciphertext: text}, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
