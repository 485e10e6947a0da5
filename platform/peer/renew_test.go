package peer_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
)

// unsteady is an authority that is away for a while.
type unsteady struct {
	*peertest.Authority
	away     atomic.Bool
	renewals atomic.Int64
}

func (u *unsteady) Renew(ctx context.Context, csr []byte) (*peer.Bundle, error) {
	if u.away.Load() {
		return nil, errors.New("away")
	}
	u.renewals.Add(1)
	return u.Authority.Renew(ctx, csr)
}

// joined runs a node with two services and no listener in a bubble of synctest,
// where a day is over at once.
func joined(t *testing.T, log *logged) (*peer.Node, *unsteady) {
	t.Helper()
	a, err := peertest.NewAuthority(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	a.Lease, a.Interval = time.Hour, 10*time.Minute // days are long
	u := &unsteady{Authority: a}
	n, err := peer.NewNode(peer.NodeOptions{Dir: t.TempDir(), Lease: time.Hour, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Join(t.Context(), u, []string{"bank", "shop"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = n.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return n, u
}

func TestRenewalAtTwoThirdsWithJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, u := joined(t, &logged{})
		bank, shop := n.As("bank").Serial(), n.As("shop").Serial()
		<-time.After(15*time.Hour + 50*time.Minute)
		synctest.Wait()
		if u.renewals.Load() != 0 {
			t.Fatal("renewed before two thirds were over")
		}
		<-time.After(2*time.Hour + 15*time.Minute) // 18 h 5 min: two thirds and a twelfth
		synctest.Wait()
		if u.renewals.Load() != 2 || n.As("bank").Serial() == bank || n.As("shop").Serial() == shop {
			t.Fatalf("%d renewals", u.renewals.Load())
		}
		<-time.After(3 * 24 * time.Hour)
		synctest.Wait()
		if err := n.Health(); err != nil || u.renewals.Load() < 9 || u.renewals.Load() > 12 {
			t.Fatalf("after three more days: %d renewals, %v", u.renewals.Load(), err)
		}
	})
}

func TestRenewalTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		n, u := joined(t, log)
		u.away.Store(true)
		<-time.After(20 * time.Hour)
		synctest.Wait()
		if err := n.Health(); err != nil {
			t.Fatalf("while the certificate still holds: %v", err)
		}
		if !strings.Contains(log.String(), "renew the service certificate") {
			t.Fatal("nothing in the log")
		}
		u.away.Store(false)
		<-time.After(10 * time.Minute)
		synctest.Wait()
		if u.renewals.Load() != 2 {
			t.Fatalf("%d renewals after the authority came back", u.renewals.Load())
		}
	})
}

// A revoked certificate does not authenticate its renewal: the service needs an
// operator.
func TestRevokedIsNotRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		n, u := joined(t, log)
		bank := n.As("bank").Serial()
		if _, err := u.Revoke(u.Newest("bank")); err != nil {
			t.Fatal(err)
		}
		<-time.After(20 * time.Hour)
		synctest.Wait()
		if n.As("bank").Serial() != bank || u.renewals.Load() != 1 {
			t.Fatal("a revoked certificate was renewed")
		}
		if err := n.Health(); !errors.Is(err, peer.ErrRevoked) {
			t.Fatalf("health: %v", err)
		}
		if !strings.Contains(log.String(), "guildhall ca token create bank") {
			t.Fatal("the log does not say what to do")
		}
	})
}

// New connections use the new certificate at once, and nothing is interrupted.
func TestRenewalIsHot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	wantOK(t, shop, "shop", "bank", "/open")
	before := bank.As("bank").Serial()
	w.clock.Advance(19 * time.Hour)
	for _, p := range []*process{w.ca, bank, shop} {
		eventually(t, "fresh after the jump", func() bool { return p.Revocations().Fresh() == nil })
		p.Look()
	}
	eventually(t, "renewed", func() bool { return bank.As("bank").Serial() != before })
	wantOK(t, shop, "shop", "bank", "/open")
}
