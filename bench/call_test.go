package bench

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
)

// pong is what all calls get.
var pong = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pong") })

// way is one way to make the same call.
type way struct {
	name, url string
	client    *http.Client
}

// ways are: plain HTTP; TLS 1.3 with both certificates by the standard library;
// and the same with guildhall's admission: names, revocation set, allow-list.
func ways(b *testing.B) []way {
	b.Helper()
	plain := httptest.NewServer(pong)
	b.Cleanup(plain.Close)
	c, err := peertest.NewCA(time.Now)
	if err != nil {
		b.Fatal(err)
	}
	server, client := standardTLS(b, c, "bank"), standardTLS(b, c, "shop")
	standard := httptest.NewUnstartedServer(pong)
	standard.TLS, standard.EnableHTTP2 = server, true
	standard.StartTLS()
	b.Cleanup(standard.Close)
	client.ServerName = peer.Name("bank")
	t := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: callers}
	b.Cleanup(t.CloseIdleConnections)
	plainTransport := &http.Transport{MaxIdleConnsPerHost: callers}
	b.Cleanup(plainTransport.CloseIdleConnections)
	return []way{
		{"plain-http", plain.URL + "/ping", &http.Client{Transport: plainTransport}},
		{"standard-mtls", standard.URL + "/ping", &http.Client{Transport: t}},
		{"guildhall-mtls", peer.URL("bank") + "/ping", nodes(b)},
	}
}

// standardTLS is TLS with both certificates and no check of revocation.
func standardTLS(b *testing.B, c *peertest.CA, service string) *tls.Config {
	b.Helper()
	key, csr := newRequest(b, peer.Name(service))
	bundle, _, err := c.Service(csr)
	if err != nil {
		b.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c.Root)
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		SessionTicketsDisabled: true, Certificates: []tls.Certificate{{Certificate: bundle.Chain, PrivateKey: key}}}
}

// nodes are a process with ca and bank, and one with shop, which calls bank.
func nodes(b *testing.B) *http.Client {
	b.Helper()
	authority, err := peertest.NewAuthority(time.Now)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := "https://" + l.Addr().String()
	home := newNode(b, peer.NodeOptions{Dir: b.TempDir(), Internal: l.Addr().String()})
	home.Serve("ca", authority.Registrar().Routes())
	home.Serve("bank", []peer.Route{{Pattern: "GET /ping", Allow: []string{"shop"}, Handler: pong}})
	join(b, home, authority, "ca", "bank")
	server := home.Server(nil)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			b.Error(err)
		}
	})
	b.Cleanup(func() { _ = server.Close(); serving.Wait() })
	token, err := authority.JoinToken("shop")
	if err != nil {
		b.Fatal(err)
	}
	away := newNode(b, peer.NodeOptions{Dir: b.TempDir(), URLs: map[string]string{"ca": addr, "bank": addr}, Tokens: map[string]string{"shop": token}})
	remote, err := away.Remote()
	if err != nil {
		b.Fatal(err)
	}
	join(b, away, remote, "shop")
	return away.As("shop").Client("bank")
}

func newNode(b *testing.B, o peer.NodeOptions) *peer.Node {
	b.Helper()
	n, err := peer.NewNode(o)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// join runs the node until the benchmark ends.
func join(b *testing.B, n *peer.Node, a peer.Authority, services ...string) {
	b.Helper()
	if err := n.Join(b.Context(), a, services); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := n.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { cancel(); running.Wait() })
}

func (w way) call() error {
	resp, err := w.client.Get(w.url)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if errClose := resp.Body.Close(); err == nil {
		err = errClose
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return err
}

// BenchmarkCall is a small request and its answer on loopback over a connection
// that is there, one after the other, and 64 at once. Both ends are in this
// process; cpu-us/op counts both.
func BenchmarkCall(b *testing.B) {
	for _, w := range ways(b) {
		for name, workers := range map[string]int{"alone": 1, "parallel": callers} {
			b.Run(w.name+"/"+name, func(b *testing.B) {
				parallel(b, workers, workers, func(int) error { return w.call() })
				b.ReportAllocs()
				began := ourCPU(b)
				b.ResetTimer()
				parallel(b, workers, b.N, func(int) error { return w.call() })
				b.ReportMetric(float64((ourCPU(b)-began).Microseconds())/float64(b.N), "cpu-us/op")
			})
		}
	}
}

// BenchmarkHandshake is the same call with a new connection each time.
func BenchmarkHandshake(b *testing.B) {
	for _, w := range ways(b) {
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			began := ourCPU(b)
			for b.Loop() {
				if err := w.call(); err != nil {
					b.Fatal(err)
				}
				w.client.CloseIdleConnections()
			}
			b.ReportMetric(float64((ourCPU(b)-began).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}
