package app

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"guildhall/platform/peer"
)

// plainConn is a connection to the plain listener that has been answered once
// and is kept; nil if it was closed at once.
func plainConn(t *testing.T, addr, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") // refused ones show at the reading
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			t.Fatal("neither answered nor closed")
		}
		return nil
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d", resp.StatusCode)
	}
	return c
}

func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir(), func(c *Config) {
		c.Limits = LimitsConfig{Connections: 4, ConnectionsPerAddress: 2, Exempt: []string{"127.0.0.9/32"}}
	})
	last, err := lastAddresses(ServerConfig{Data: p.announced.Data})
	if err != nil {
		t.Fatal(err)
	}
	open := func(from string) net.Conn { t.Helper(); return plainConn(t, last.HTTP, from) }
	first := open("127.0.0.1")
	for _, x := range []struct {
		from string
		ok   bool
	}{{"127.0.0.1", true}, {"127.0.0.1", false}, {"127.0.0.1", false}, {"127.0.0.2", true}, {"127.0.0.9", true}, {"127.0.0.9", false}, {"127.0.0.3", false}} {
		if got := open(x.from) != nil; first == nil || got != x.ok {
			t.Fatalf("a connection from %s: admitted %v", x.from, got)
		}
	}
	_, text := get(t, p.env.Peer.Client("notes"), peer.URL("notes")+"/metrics")
	for _, want := range []string{`guildhall_connections{listener="http"} 4`, `guildhall_connections{listener="https"} 0`,
		`guildhall_connections_refused_total{limit="all",listener="http"} 2`, `guildhall_connections_refused_total{limit="address",listener="http"} 2`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); open("127.0.0.3") == nil; {
		if time.Now().After(deadline) {
			t.Fatal("the place of a connection that ended stayed taken")
		}
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(p.log.String(), "too many connections"); n != 1 {
		t.Errorf("%d warnings for four refusals:\n%s", n, p.log)
	}
}

func TestNoLimitOfConnections(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir(), func(c *Config) { c.Limits = LimitsConfig{} })
	last, err := lastAddresses(ServerConfig{Data: p.announced.Data})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if plainConn(t, last.HTTP, "127.0.0.1") == nil {
			t.Fatalf("connection %d was refused", i+1)
		}
	}
}
