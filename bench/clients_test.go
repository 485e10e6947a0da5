package bench

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/ca"
)

// domain is the default one, which the server is started under.
const domain = "guildhall.localhost"

// parallel runs do n times by so many workers at once.
func parallel(b *testing.B, workers, n int, do func(worker int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				if err := do(worker); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// clients are so many clients of the REST API, each with a connection of its
// own, a token, and trust in the authority's root alone.
func (s *server) clients(b *testing.B, n int) []*ca.Client {
	b.Helper()
	token := s.run(b, "admin", "token")
	all := make([]*ca.Client, n)
	for i, c := range s.connections(b, n) {
		all[i] = ca.New(ca.Options{URL: s.host(b, "ca"), Token: token, HTTP: c})
	}
	return all
}

// host is the address of a service.
func (s *server) host(b *testing.B, service string) string {
	b.Helper()
	_, port, err := net.SplitHostPort(s.public)
	if err != nil {
		b.Fatal(err)
	}
	return "https://" + service + "." + domain + ":" + port
}

// connections are clients that find every host at the server, each with a
// connection of its own. They follow no redirect.
func (s *server) connections(b *testing.B, n int) []*http.Client {
	b.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(s.run(b, "ca", "root"))) {
		b.Fatal("no root certificate")
	}
	all := make([]*http.Client, n)
	for i := range all {
		t := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, s.public)
			}}
		b.Cleanup(t.CloseIdleConnections)
		all[i] = &http.Client{Transport: t, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return all
}

// onEngines runs a benchmark against a server on each database: a SQLite file
// with synchronous=FULL, and a throwaway PostgreSQL with fsync.
func onEngines(b *testing.B, run func(b *testing.B, s *server)) {
	b.Run("sqlite", func(b *testing.B) { run(b, serve(b, b.TempDir(), "")) })
	b.Run("postgres", func(b *testing.B) { run(b, serve(b, b.TempDir(), guildtest.Postgres(b))) })
}

// lastLine is the last line of a text.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
