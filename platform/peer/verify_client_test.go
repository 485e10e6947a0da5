package peer_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
)

// parsed is a client's certificate and what it sends along.
func parsed(t *testing.T, c tls.Certificate) (leaf *x509.Certificate, intermediates []*x509.Certificate) {
	t.Helper()
	for i, der := range c.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			leaf = one
		} else {
			intermediates = append(intermediates, one)
		}
	}
	return leaf, intermediates
}

func clientTemplate() *x509.Certificate {
	return &x509.Certificate{DNSNames: []string{"robot.example.com"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
}

func TestClientsOfPublicHostsAreVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	verify := func(leaf *x509.Certificate, intermediates []*x509.Certificate) error {
		return bank.VerifyClient(t.Context(), leaf, intermediates)
	}
	leaf, intermediates := parsed(t, certificate(t, w.authority.CA, clientTemplate()))
	if err := verify(leaf, intermediates); err != nil {
		t.Fatalf("a client's certificate: %v", err)
	}
	other, err := peertest.NewCA(w.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	foreign, foreignIssuer := parsed(t, certificate(t, other, clientTemplate()))
	server := clientTemplate()
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	wrongUse, _ := parsed(t, certificate(t, w.authority.CA, server))
	forged, _ := parsed(t, certificate(t, w.authority.CA, clientTemplate()))
	w.authority.Disown(forged.Raw)
	for name, x := range map[string]struct {
		leaf          *x509.Certificate
		intermediates []*x509.Certificate
	}{
		"of another authority":              {foreign, foreignIssuer},
		"of another authority, our issuer":  {foreign, intermediates},
		"that brings its own root":          {foreign, append(foreignIssuer, other.Root)},
		"for servers":                       {wrongUse, intermediates},
		"without its issuer":                {leaf, nil},
		"that the authority has never seen": {forged, intermediates},
	} {
		if err := verify(x.leaf, x.intermediates); err == nil || fault.As(err).Kind == fault.Unavailable {
			t.Errorf("a certificate %s: %v", name, err)
		}
	}
	if err := verify(forged, intermediates); !errors.Is(err, peer.ErrUnknown) {
		t.Errorf("the forged one: %v", err)
	}
	w.authority.Life = time.Minute
	brief, _ := parsed(t, certificate(t, w.authority.CA, clientTemplate()))
	if err := verify(brief, intermediates); err != nil {
		t.Fatalf("a brief one: %v", err)
	}
	w.clock.Advance(2 * time.Minute)
	eventually(t, "fresh news", func() bool { return bank.Revocations().Fresh() == nil })
	if err := verify(brief, intermediates); !errors.As(err, new(x509.CertificateInvalidError)) {
		t.Errorf("an expired one: %v", err)
	}
	seq, err := w.authority.Revoke(leaf)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the revocation", func() bool { return bank.Revocations().Sequence() >= seq })
	if err := verify(leaf, intermediates); !errors.Is(err, peer.ErrRevoked) {
		t.Errorf("a revoked one: %v", err)
	}
}

func TestClientsOfARevokedIssuerAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	leaf, intermediates := parsed(t, certificate(t, w.authority.CA, clientTemplate()))
	seq, err := w.authority.Revoke(w.authority.Issuing)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the revocation", func() bool { return bank.Revocations().Sequence() >= seq })
	if err := bank.VerifyClient(t.Context(), leaf, intermediates); !errors.Is(err, peer.ErrRevoked) {
		t.Errorf("got %v", err)
	}
}

// TestClientsWaitForWhatIsNotKnown holds that trouble of ours is not told as a
// fault of the client's.
func TestClientsWaitForWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	met, intermediates := parsed(t, certificate(t, w.authority.CA, clientTemplate()))
	if err := bank.VerifyClient(t.Context(), met, intermediates); err != nil {
		t.Fatal(err)
	}
	w.authority.Away(true)
	if err := bank.VerifyClient(t.Context(), met, intermediates); err != nil {
		t.Errorf("the authority is away, and was asked about this one: %v", err)
	}
	fresh, _ := parsed(t, certificate(t, w.authority.CA, clientTemplate()))
	if err := bank.VerifyClient(t.Context(), fresh, intermediates); fault.As(err).Kind != fault.Unavailable || !errors.Is(err, peer.ErrUnconfirmed) {
		t.Errorf("one that is new: %v", err)
	}
	w.authority.Away(false)
	if err := bank.VerifyClient(t.Context(), fresh, intermediates); err != nil {
		t.Errorf("the authority is back: %v", err)
	}
	w.authority.Mute(true)
	w.clock.Advance(2 * lease)
	eventually(t, "the news are stale", func() bool { return bank.Revocations().Fresh() != nil })
	if err := bank.VerifyClient(t.Context(), met, intermediates); fault.As(err).Kind != fault.Unavailable || !errors.Is(err, peer.ErrStale) {
		t.Errorf("without news of revocations: %v", err)
	}
}
