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

// call sends one request over a connection and reads the answer's head.
func call(t *testing.T, conn *tls.Conn, in *bufio.Reader) *http.Response {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := fmt.Fprintf(conn, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

func TestConnectionDoesNotOutliveItsCertificate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		left   time.Duration
		status int
		closes bool
	}{
		"half a life":  {12 * time.Hour, http.StatusOK, false},
		"near the end": {time.Hour, http.StatusOK, true},
		"expired":      {-time.Minute, http.StatusForbidden, true},
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
			if first := call(t, conn, in); first.StatusCode != http.StatusOK || first.Close {
				t.Fatalf("at first: %s", first.Status)
			}
			w.clock.Advance(w.authority.Life - c.left)
			eventually(t, "the news are fresh again", func() bool { return bank.Revocations().Fresh() == nil })
			if got := call(t, conn, in); got.StatusCode != c.status || got.Close != c.closes {
				t.Errorf("%s, closes %t", got.Status, got.Close)
			}
		})
	}
}
