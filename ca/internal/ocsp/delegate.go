package ocsp

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// delegate is a key that may sign responses and the certificate that says so.
type delegate struct {
	key     *ecdsa.PrivateKey
	cert    *x509.Certificate
	keyHash []byte
	// signed are its responses: they are worth no more than it is.
	signed cache
}

func (d *delegate) serial() string { return hex.EncodeToString(d.cert.SerialNumber.Bytes()) }

// fresh says whether the delegate is in the first two thirds of its life; after
// that it is replaced, and still usable while that fails.
func (d *delegate) fresh(now time.Time) bool {
	life := d.cert.NotAfter.Sub(d.cert.NotBefore)
	return d.usable(now) && now.Before(d.cert.NotBefore.Add(life*2/3))
}

func (d *delegate) usable(now time.Time) bool {
	return d != nil && !now.Before(d.cert.NotBefore) && now.Before(d.cert.NotAfter)
}

// retryAfter is how long a failed replacement is not tried again, so that a
// failing authority is not asked with every request.
const retryAfter = 30 * time.Second

// delegates hands out the current delegate and replaces it in time.
type delegates struct {
	certify func(ctx context.Context, pub crypto.PublicKey) (*x509.Certificate, error)
	log     *slog.Logger

	mu      sync.Mutex
	current *delegate
	retryAt time.Time
}

// get returns a usable delegate. Certification happens under the lock: at the
// first request and once in two thirds of a delegate's life.
func (s *delegates) get(ctx context.Context, now time.Time) (*delegate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.fresh(now) {
		return s.current, nil
	}
	if s.current.usable(now) && now.Before(s.retryAt) {
		return s.current, nil
	}
	next, err := s.make(ctx)
	switch {
	case err == nil:
		s.current = next
	case s.current.usable(now):
		s.retryAt = now.Add(retryAfter)
		s.log.WarnContext(ctx, "OCSP signing certificate was not renewed; the old one is used until it ends",
			"not_after", s.current.cert.NotAfter, "error", err)
	default:
		return nil, err
	}
	return s.current, nil
}

// serial is that of the current delegate's certificate; empty when there is none.
func (s *delegates) serial() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return ""
	}
	return s.current.serial()
}

// drop has the delegate of a revoked certificate replaced, with all it signed.
func (s *delegates) drop(ctx context.Context, serial string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.serial() == serial {
		s.current = nil
		s.log.WarnContext(ctx, "the OCSP signing certificate was revoked; making another", "serial", serial)
	}
}

func (s *delegates) make(ctx context.Context) (*delegate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make OCSP signing key: %w", err)
	}
	cert, err := s.certify(ctx, key.Public())
	if err != nil {
		return nil, fmt.Errorf("certify OCSP signing key: %w", err)
	}
	bits, err := publicKeyBits(cert)
	if err != nil {
		return nil, err
	}
	return &delegate{key: key, cert: cert, keyHash: keyHash(bits)}, nil
}
