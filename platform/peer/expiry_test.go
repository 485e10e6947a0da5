package peer_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"testing"
	"time"

	"guildhall/platform/peer"
)

// call sends one request over a connection and reads the answer's head; nil when
// the connection is cut.
func call(conn *tls.Conn, in *bufio.Reader) *http.Response {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = fmt.Fprintf(conn, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil
	}
	_ = resp.Body.Close()
	return resp
}

func TestConnectionDoesNotOutliveItsCertificate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		left   time.Duration
		closes bool
	}{
		"half a life":  {12 * time.Hour, false},
		"near the end": {time.Hour, true},
		"expired":      {-time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bank := w.bank(t)
			both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
			shown := certificate(t, w.authority.CA, &x509.Certificate{DNSNames: []string{peer.Name("shop")}, ExtKeyUsage: both})
			conn, err := tls.Dial("tcp", bank.addr, &tls.Config{ServerName: peer.Name("bank"), RootCAs: pool(w.authority.Root), Certificates: []tls.Certificate{shown}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			in := bufio.NewReader(conn)
			if first := call(conn, in); first == nil || first.StatusCode != http.StatusOK || first.Close {
				t.Fatalf("at first: %v", first)
			}
			w.clock.Advance(w.authority.Life - c.left)
			eventually(t, "the news are fresh again", func() bool { return bank.Revocations().Fresh() == nil })
			got := call(conn, in)
			if c.left < 0 { // cut within a second, and refused until then
				if got != nil && (got.StatusCode != http.StatusForbidden || !got.Close) {
					t.Errorf("%s, closes %t", got.Status, got.Close)
				}
				eventually(t, "cut", func() bool { return call(conn, in) == nil })
				return
			}
			if got == nil || got.StatusCode != http.StatusOK || got.Close != c.closes {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestACallerLeavesAServersOldCertificate has the server renew, whose old
// certificate stands behind a connection that the caller keeps.
func TestACallerLeavesAServersOldCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	old := bank.As("bank").Serial()
	w.clock.Advance(10 * time.Hour)
	// Who knows no news admits nobody, the shop's first request neither.
	eventually(t, "the bank's news are fresh again", func() bool { return bank.Revocations().Fresh() == nil })
	shop := w.shop(t, bank)
	met := func() string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, peer.URL("bank")+"/open", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := shop.As("shop").Client("bank").Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return peer.SerialText(resp.TLS.PeerCertificates[0])
	}
	fresh := func() {
		eventually(t, "the news are fresh again", func() bool {
			return bank.Revocations().Fresh() == nil && shop.Revocations().Fresh() == nil
		})
	}
	fresh()
	if met() != old {
		t.Fatal("the bank showed another certificate at first")
	}
	body := openStream(t, shop)
	w.clock.Advance(13 * time.Hour)
	bank.Look()
	eventually(t, "the bank renews", func() bool { return bank.As("bank").Serial() != old })
	fresh()
	met() // the answer says that the connection ends
	if got := met(); got != bank.As("bank").Serial() {
		t.Errorf("met %s, wanted the new certificate", got)
	}
	w.clock.Advance(2 * time.Hour)
	wantCut(t, body) // it outlived the old one
	fresh()
	wantOK(t, shop, "shop", "bank", "/open")
}
