package peertest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/peer"
	"guildhall/sdk/go/ca"
)

// ErrRevoked refuses a service whose certificate was revoked.
var ErrRevoked = fault.New(fault.Forbidden, "peer_revoked", "The certificate is revoked.")

// Authority issues certificates and keeps a list of revocations in memory. It is
// a peer.Authority for its own process, and serves others by Registrar.
type Authority struct {
	*CA
	Lease, Interval time.Duration

	mu      sync.Mutex
	tokens  map[string]string            // service by token text
	newest  map[string]*x509.Certificate // by service
	revoked []peer.Revocation
	hash    peer.Hash
	changed chan struct{}
	acked   map[peer.Subscriber]uint64
	left    map[peer.Subscriber]bool
	mute    bool
	strange map[[sha256.Size]byte]bool
	asked   int
	away    bool
}

// NewAuthority makes an authority with a list of its own.
func NewAuthority(now func() time.Time) (*Authority, error) {
	c, err := NewCA(now)
	return c.Authority(), err
}

// Authority is an authority of the CA that has issued nothing yet.
func (c *CA) Authority() *Authority {
	return &Authority{CA: c, Lease: 30 * time.Second, Interval: time.Second, tokens: map[string]string{}, newest: map[string]*x509.Certificate{},
		changed: make(chan struct{}), acked: map[peer.Subscriber]uint64{}, left: map[peer.Subscriber]bool{}, strange: map[[sha256.Size]byte]bool{}}
}

func fingerprint(der []byte) [sha256.Size]byte { return sha256.Sum256(der) }

// JoinToken lets a service enrol once.
func (a *Authority) JoinToken(service string) (string, error) {
	t, err := a.Token()
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens[t.Text()] = service
	return t.Text(), nil
}

// Enrol implements peer.Authority.
func (a *Authority) Enrol(_ context.Context, r peer.EnrolRequest) (*peer.Bundle, error) {
	b, leaf, err := a.Service(r.CSR)
	if err != nil {
		return nil, err
	}
	service, _ := peer.ServiceOf(leaf.DNSNames[0])
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Token == "" {
		if old := a.newest[service]; old != nil && a.isRevoked(peer.SerialText(old)) {
			return nil, ErrRevoked
		}
	} else {
		if _, err := ca.ParseJoinToken(r.Token); err != nil || a.tokens[r.Token] != service {
			return nil, fault.New(fault.Forbidden, "join_token_unknown", "The join token is not good for %s.", service)
		}
		delete(a.tokens, r.Token)
	}
	a.newest[service] = leaf
	return b, nil
}

func (a *Authority) isRevoked(serial string) bool {
	for _, r := range a.revoked {
		if r.Serial == serial {
			return true
		}
	}
	return false
}

// Renew implements peer.Authority.
func (a *Authority) Renew(_ context.Context, csr []byte) (*peer.Bundle, error) {
	b, leaf, err := a.Service(csr)
	if err != nil {
		return nil, err
	}
	service, _ := peer.ServiceOf(leaf.DNSNames[0])
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.newest[service]; old != nil && a.isRevoked(peer.SerialText(old)) {
		return nil, ErrRevoked
	}
	a.newest[service] = leaf
	return b, nil
}

// ServerCertificate implements peer.Authority.
func (a *Authority) ServerCertificate(_ context.Context, csr []byte) (*peer.Bundle, error) {
	q, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, err
	}
	b, _, err := a.Sign(&x509.Certificate{DNSNames: q.DNSNames, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, q.PublicKey)
	return b, err
}

// Knows implements peer.Authority: all but strangers.
func (a *Authority) Knows(_ context.Context, certificate []byte) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return false, fault.New(fault.Unavailable, "database_away", "The database does not answer.")
	}
	a.asked++
	return !a.strange[fingerprint(certificate)], nil
}

// Disown makes a certificate one that the authority has no record of.
func (a *Authority) Disown(certificate []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.strange[fingerprint(certificate)] = true
}

// Asked is how often Knows was answered.
func (a *Authority) Asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// Away has Knows fail, as without its database, or answer again.
func (a *Authority) Away(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away = away
}

// Roots implements peer.Authority.
func (a *Authority) Roots() ([]*x509.Certificate, error) { return []*x509.Certificate{a.Root}, nil }

// Newest is the last certificate issued to a service.
func (a *Authority) Newest(service string) *x509.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.newest[service]
}

// Revoke adds a certificate to the list.
func (a *Authority) Revoke(cert *x509.Certificate) (seq uint64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := peer.Revocation{Seq: uint64(len(a.revoked)) + 1, Serial: peer.SerialText(cert), Reason: 1,
		RevokedAt: a.Now().UnixMicro(), NotAfter: cert.NotAfter.UnixMicro()}
	if a.hash, err = a.hash.Next(r); err != nil {
		return 0, err
	}
	a.revoked = append(a.revoked, r)
	close(a.changed)
	a.changed = make(chan struct{})
	return r.Seq, nil
}

// Mute keeps heads from being sent, or lets them be sent again.
func (a *Authority) Mute(mute bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mute = mute
	close(a.changed)
	a.changed = make(chan struct{})
}

// Acked is the last acknowledgement of any subscriber; Left says whether one
// has left.
func (a *Authority) Acked() (seq uint64, left bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.acked {
		seq = max(seq, n)
	}
	return seq, len(a.left) > 0
}

// AckedBy is the last acknowledgement under a service's name.
func (a *Authority) AckedBy(service string) (seq uint64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s, n := range a.acked {
		if s.Service == service {
			seq, ok = max(seq, n), true
		}
	}
	return seq, ok
}

// Follow implements peer.Authority.
func (a *Authority) Follow(ctx context.Context, after uint64, apply func(peer.Update) error) error {
	local := peer.Subscriber{Service: "ca", Instance: "local"}
	err := a.follow(ctx, after, func(u peer.Update, seq uint64) error {
		if err := apply(u); err != nil {
			return err
		}
		return a.ack(ctx, local, seq)
	})
	if errors.Is(context.Cause(ctx), peer.ErrLeaving) {
		return a.leave(ctx, local)
	}
	return err
}

func (a *Authority) follow(ctx context.Context, after uint64, send func(peer.Update, uint64) error) error {
	fresh := after == 0
	for {
		a.mu.Lock()
		mute, changed := a.mute, a.changed
		u, seq, err := a.next(after, fresh)
		a.mu.Unlock()
		if err != nil {
			return err
		}
		if !mute {
			if err := send(u, seq); err != nil {
				return err
			}
			after, fresh = seq, false
		}
		t := time.NewTimer(a.Interval)
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-changed:
			t.Stop()
		case <-t.C:
		}
	}
}

// next is all in one update: tests revoke few.
func (a *Authority) next(after uint64, fresh bool) (peer.Update, uint64, error) {
	seq, now := uint64(len(a.revoked)), a.Now()
	head, err := peer.Head{Sequence: seq, Hash: a.hash, Issued: now, StaleAfter: now.Add(a.Lease)}.Sign(a.StatusKey)
	u := peer.Update{Head: head}
	if fresh {
		after, u.Base = 0, &peer.Base{}
	}
	if after < seq {
		u.Revocations = a.revoked[after:]
	}
	return u, seq, err
}

func (a *Authority) ack(_ context.Context, s peer.Subscriber, seq uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acked[s] = seq
	return nil
}

func (a *Authority) leave(_ context.Context, s peer.Subscriber) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left[s] = true
	return nil
}

// Registrar serves the authority to other processes.
func (a *Authority) Registrar() peer.Registrar {
	return peer.Registrar{
		Enrol: func(ctx context.Context, r peer.EnrolRequest, _ string) (*peer.Bundle, error) { return a.Enrol(ctx, r) },
		Renew: func(ctx context.Context, c peer.Caller, csr []byte, _ string) (*peer.Bundle, error) {
			if q, err := x509.ParseCertificateRequest(csr); err != nil || len(q.DNSNames) != 1 || q.DNSNames[0] != peer.Name(c.Service) {
				return nil, fault.New(fault.Forbidden, "not_yours", "%s may renew only its own certificate.", c.Service)
			}
			return a.Renew(ctx, csr)
		},
		ServerCertificate: func(ctx context.Context, _ peer.Caller, csr []byte, _ string) (*peer.Bundle, error) {
			return a.ServerCertificate(ctx, csr)
		},
		Subscribe: func(ctx context.Context, _ peer.Subscriber, after uint64, send func(peer.Update) error) error {
			return a.follow(ctx, after, func(u peer.Update, _ uint64) error { return send(u) })
		},
		Ack: a.ack, Leave: a.leave, Knows: a.Knows,
	}
}

// StatusPublic verifies the heads.
func (a *Authority) StatusPublic() ed25519.PublicKey {
	return a.StatusKey.Public().(ed25519.PublicKey) //nolint:forcetypeassert // it is one
}
