package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/sdk/go/ca"
)

// listeners are the addresses of a server, host:port.
type listeners struct{ HTTP, HTTPS, Internal string }

func (s *server) addresses(t *testing.T) (a listeners) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.data, "addresses.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// browser is an HTTP client that trusts the server's root, finds all its names
// at the loopback address and follows no redirect.
func (s *server) browser(t *testing.T) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(must(t, "ca", "root", "--data", s.data))) {
		t.Fatal("the root is no PEM")
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 32, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// api is a client with an administrator's token.
func (s *server) api(t *testing.T) *ca.Client {
	t.Helper()
	token := strings.TrimSpace(must(t, "admin", "token", "--data", s.data, "--name", t.Name()))
	return ca.New(ca.Options{URL: s.service("ca"), Token: token, HTTP: s.browser(t)})
}

// listed is what "ca list" knows, by serial number.
func (s *server) listed(t *testing.T, args ...string) map[string]ca.Certificate {
	t.Helper()
	var list []ca.Certificate
	out := must(t, append([]string{"ca", "list", "--json", "--data", s.data}, args...)...)
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]ca.Certificate, len(list))
	for _, c := range list {
		if _, twice := all[c.Serial]; twice {
			t.Errorf("the serial number %s was given twice", c.Serial)
		}
		all[c.Serial] = c
	}
	return all
}

// holds checks that every certificate that a client got is listed, and that the
// audit log is as it was written.
func (s *server) holds(t *testing.T, held []string, args ...string) {
	t.Helper()
	all := s.listed(t, args...)
	for _, serial := range held {
		if _, ok := all[serial]; !ok {
			t.Errorf("a client holds %s, which is not listed", serial)
		}
	}
	t.Logf("%d certificates with clients, %d listed", len(held), len(all))
	must(t, append([]string{"ca", "audit", "verify", "--data", s.data}, args...)...)
}

// await asks until the answer is yes.
func await(t *testing.T, what string, yes func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: still not: %s", patience, what)
		}
		<-tick.C
	}
}
