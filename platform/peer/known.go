package peer

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"
)

// The ways in which a certificate with a good chain is refused because of what
// the authority says of it.
var (
	// ErrUnknown is returned for a certificate that the authority never issued,
	// or issued before its database was restored from an older backup.
	ErrUnknown = errors.New("the authority does not know the certificate")
	// ErrUnconfirmed is returned while the authority cannot be asked about a
	// certificate that this process has not met before.
	ErrUnconfirmed = errors.New("the authority cannot be asked whether it knows the certificate")
)

const (
	// askTimeout is how long a handshake waits for the authority's answer.
	askTimeout = 5 * time.Second
	// refusalAge is how long a certificate that is unknown is not asked for again.
	refusalAge = time.Minute
	// maxKnown bounds the certificates remembered. A process meets as many as
	// it has peers, and their successors of a day.
	maxKnown = 4096
)

// known remembers what the authority said about the certificates of peers. A
// signature of the issuing key is not enough to be one: a certificate that the
// authority has no record of can be neither listed nor revoked by anybody, and
// comes from a stolen key.
type known struct {
	ask func(ctx context.Context, certificate []byte) (bool, error)
	now func() time.Time

	mu      sync.Mutex
	answers map[serialKey]opinion
}

// opinion is about exactly one certificate, whatever serial others may claim.
type opinion struct {
	certificate []byte // DER
	known       bool
	until       time.Time
}

func newKnown(now func() time.Time, ask func(context.Context, []byte) (bool, error)) *known {
	return &known{ask: ask, now: now, answers: map[serialKey]opinion{}}
}

// check asks the authority about a certificate the first time it is met. It
// allocates nothing for one that is known.
func (k *known) check(ctx context.Context, cert *x509.Certificate) error {
	serial, ok := serialOf(cert)
	if !ok {
		return ErrUnknown
	}
	a, ok := k.recall(serial, cert.Raw)
	if !ok {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		is, err := k.ask(ctx, cert.Raw)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
		}
		a = opinion{certificate: cert.Raw, known: is, until: cert.NotAfter}
		if !is {
			a.until = k.now().Add(refusalAge)
		}
		k.remember(serial, a)
	}
	if !a.known {
		return ErrUnknown
	}
	return nil
}

func (k *known) recall(serial serialKey, certificate []byte) (opinion, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	a, ok := k.answers[serial]
	return a, ok && bytes.Equal(a.certificate, certificate) && k.now().Before(a.until)
}

func (k *known) remember(serial serialKey, a opinion) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.answers) >= maxKnown {
		k.forget()
	}
	k.answers[serial] = a
}

// forget makes room: what is out of date goes, or else any one.
func (k *known) forget() {
	now := k.now()
	for serial, a := range k.answers {
		if !now.Before(a.until) {
			delete(k.answers, serial)
		}
	}
	for serial := range k.answers {
		if len(k.answers) < maxKnown {
			return
		}
		delete(k.answers, serial)
	}
}
