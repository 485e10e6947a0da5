package peer_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/platform/guildtest"
	"guildhall/platform/peer"
)

// openStream starts a request that lasts, and returns its body after the first
// byte.
func openStream(t *testing.T, from *process) io.ReadCloser {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, peer.URL("bank")+"/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := from.As("shop").Client("bank").Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.Proto != "HTTP/2.0" {
		t.Fatalf("spoke %s", resp.Proto)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return resp.Body
}

func wantCut(t *testing.T, body io.Reader) {
	t.Helper()
	if n, err := io.Copy(io.Discard, body); err == nil {
		t.Fatalf("the stream ended in order after %d bytes", n)
	}
}

func TestRevokedCallerIsCutAndRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	body := openStream(t, shop)
	cert, err := tls.LoadX509KeyPair(filepath.Join(shop.dir, "shop.pem"), filepath.Join(shop.dir, "shop.pem"))
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{ServerName: peer.Name("bank"), RootCAs: pool(w.authority.Root), Certificates: []tls.Certificate{cert},
		ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	plain, err := handshake(bank.addr, config) // HTTP/1.1, kept alive
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := handshake(bank.addr, config)
	if err != nil || !resumed.ConnectionState().DidResume {
		t.Fatalf("the second handshake did not resume: %v", err)
	}
	_ = resumed.Close()

	w.revoke(t, "shop", bank)
	wantCut(t, body)
	if _, err := io.Copy(io.Discard, plain); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("an idle connection of a revoked caller stays open")
	}
	wantLog(t, bank, "level=WARN", "connections are cut")
	if conn, err := handshake(bank.addr, config); err == nil {
		t.Fatalf("a revoked caller came in, resumed: %v", conn.ConnectionState().DidResume)
	}
	wantLog(t, bank, "level=WARN", "internal connection refused", "shop", "revoked")
	_, _, err = get(t, shop, "shop", "bank", "/sessions")
	if err == nil {
		t.Fatal("a revoked caller was served")
	}
}

func TestRevokedServerIsCutAndRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	body := openStream(t, shop)
	w.revoke(t, "bank", shop)
	wantCut(t, body)
	wantLog(t, shop, "level=WARN", "connections are cut", "connections=1")
	if _, _, err := get(t, shop, "shop", "bank", "/sessions"); !errors.Is(err, peer.ErrRevoked) {
		t.Fatalf("a revoked server was called: %v", err)
	}
	wantLog(t, shop, "level=WARN", "internal call refused", "bank", "revoked")
}

func TestRevokedIssuerCutsEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	body := openStream(t, shop)
	if _, err := w.authority.Revoke(w.authority.Issuing); err != nil {
		t.Fatal(err)
	}
	wantCut(t, body)
	// The first call may meet a connection that is being cut; it fails all the
	// same, and later ones hear the reason.
	eventually(t, "refused for the revocation", func() bool {
		_, _, err := get(t, shop, "shop", "bank", "/sessions")
		if err == nil {
			t.Fatal("served under a revoked issuer")
		}
		return strings.Contains(err.Error(), "revoked")
	})
}

// The process of a revoked service hears of it and says so, before it is cut
// off: the authority need not wait for its lease.
func TestRevokedSubscriberAcknowledges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	w.revoke(t, "bank", bank)
	eventually(t, "acknowledged", func() bool { seq, _ := w.authority.AckedBy("bank"); return seq == 1 })
	wantLog(t, bank, "no valid certificate", "guildhall ca token create bank")
}

// A process goes on under another of its names when one is revoked.
func TestOtherServicesOfTheProcessGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := w.join(t, plan{services: []string{"bank", "shop"}})
	w.revoke(t, "bank", both)
	wantLog(t, w.ca, "level=WARN", "connections are cut")

	eventually(t, "heard under the other name", func() bool { seq, _ := w.authority.AckedBy("shop"); return seq >= 1 })
}

func TestOthersKeepTheirConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	chat := w.join(t, plan{services: []string{"chat"}, urls: map[string]string{"bank": "https://" + bank.addr}})
	wantOK(t, chat, "chat", "bank", "/open")
	wantOK(t, shop, "shop", "bank", "/open")
	before := strings.Count(shop.log.String(), "WARN")
	w.revoke(t, "chat", bank, shop)
	wantOK(t, shop, "shop", "bank", "/open")
	if after := strings.Count(shop.log.String(), "WARN"); after != before {
		t.Fatalf("the shop was troubled: %s", shop.log)
	}
}

func TestStaleStateRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	body := openStream(t, shop)
	w.authority.Mute(true)
	w.clock.Advance(lease)
	if _, _, err := get(t, shop, "shop", "bank", "/open"); !errors.Is(err, peer.ErrStale) || !strings.Contains(err.Error(), "30s") {
		t.Fatalf("with a stale state: %v", err)
	}
	wantCut(t, body)
	for _, p := range []*process{bank, shop} {
		wantLog(t, p, "level=WARN", "all internal connections are refused")
		if err := p.Health(); !errors.Is(err, peer.ErrStale) {
			t.Fatalf("health: %v", err)
		}
	}
	w.authority.Mute(false)
	for _, p := range []*process{bank, shop, w.ca} {
		eventually(t, "fresh again", func() bool { return p.Health() == nil })
	}
	wantOK(t, shop, "shop", "bank", "/open")
	wantLog(t, bank, "served again")
}

// A server that alone has lost touch tells its callers: on a live connection in
// words, on a new one by an alert.
func TestStaleServerTellsItsCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clock := guildtest.NewClock(w.clock.Now())
	bank := w.bankAt(t, clock)
	shop := w.shop(t, bank)
	wantOK(t, shop, "shop", "bank", "/open")
	clock.Advance(lease)
	status, body, err := get(t, shop, "shop", "bank", "/open")
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(body, "peer_state_stale") {
		t.Fatalf("%d %s %v", status, body, err)
	}
	wantLog(t, bank, "level=WARN", "internal request refused", "the lease is 30s")
	shop.As("shop").Client("bank").CloseIdleConnections()
	eventually(t, "refused by alert", func() bool {
		_, _, err = get(t, shop, "shop", "bank", "/open")
		return err != nil
	})
	if !strings.Contains(err.Error(), "no news of revocations within its lease") {
		t.Fatalf("the caller learns: %v", err)
	}
	wantLog(t, bank, "level=WARN", "internal connection refused", "shop", "the revocation state is unknown")
	wantLog(t, shop, "level=WARN", "internal call refused by the peer")
}

func TestEndOfRunLeavesTheAuthority(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	bank.stop()
	if _, left := w.authority.Acked(); !left {
		t.Fatal("the authority was not told")
	}
	if err := bank.Revocations().Fresh(); !errors.Is(err, peer.ErrStale) {
		t.Fatalf("after the end: %v", err)
	}
}

func TestManyCallsWhileRevoking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	served := make(chan error, 4)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range cap(served) {
		go func() {
			for ctx.Err() == nil {
				if _, _, err := get(t, shop, "shop", "bank", "/sessions"); err != nil {
					served <- err
					return
				}
			}
			served <- fmt.Errorf("still served: %w", ctx.Err())
		}()
	}
	w.revoke(t, "shop", bank)
	for range cap(served) {
		if err := <-served; strings.Contains(err.Error(), "still served") {
			t.Fatal(err)
		}
	}
}
