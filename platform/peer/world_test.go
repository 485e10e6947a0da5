package peer_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
)

// world is an authority with its own process, "ca", and processes around it.
type world struct {
	authority *peertest.Authority
	clock     *guildtest.Clock
	ca        *process
}

// process is one node with its listener, running.
type process struct {
	*peer.Node
	addr string
	dir  string
	log  *logged
	stop func()
	// shutdown stops the listener and waits for what it answers.
	shutdown func(context.Context) error
}

// logged collects a process's log.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	clock := guildtest.NewClock(time.Now())
	a, err := peertest.NewAuthority(clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	a.Interval = 20 * time.Millisecond // of real time; the clock is the test's
	w := &world{authority: a, clock: clock}
	w.startCA(t)
	return w
}

func (w *world) startCA(t testing.TB) {
	t.Helper()
	w.ca = w.start(t, plan{services: []string{"ca"}, routes: map[string][]peer.Route{"ca": w.authority.Registrar().Routes()}, local: true})
}

// pass lets time go by while the authority is not running.
func (w *world) pass(t testing.TB, d time.Duration) {
	t.Helper()
	w.ca.stop()
	w.clock.Advance(d)
	w.startCA(t)
}

// plan says what a process is.
type plan struct {
	services []string
	routes   map[string][]peer.Route
	urls     map[string]string
	tokens   map[string]string
	dir      string
	local    bool // the authority is in this process
	clock    *guildtest.Clock
	others   http.Handler
}

// prepare makes the node of a plan, which has not joined.
func (w *world) prepare(t testing.TB, p plan) (*process, net.Listener, peer.Authority) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if p.dir == "" {
		p.dir = t.TempDir()
	}
	if p.clock == nil {
		p.clock = w.clock
	}
	if p.urls == nil {
		p.urls = map[string]string{}
	}
	if !p.local {
		p.urls["ca"] = "https://" + w.ca.addr
	}
	pr := &process{addr: l.Addr().String(), dir: p.dir, log: &logged{}}
	pr.Node, err = peer.NewNode(peer.NodeOptions{Dir: p.dir, Internal: pr.addr, URLs: p.urls, Tokens: p.tokens, Lease: lease,
		Now: p.clock.Now, Log: slog.New(slog.NewTextHandler(pr.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for service, routes := range p.routes {
		pr.Serve(service, routes)
	}
	if p.local {
		return pr, l, w.authority
	}
	remote, err := pr.Remote()
	if err != nil {
		t.Fatal(err)
	}
	return pr, l, remote
}

func (w *world) start(t testing.TB, p plan) *process {
	t.Helper()
	pr, l, a := w.prepare(t, p)
	if err := pr.Join(t.Context(), a, p.services); err != nil {
		t.Fatalf("join %v: %v", p.services, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := pr.Server(p.others)
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	running.Go(func() {
		if err := pr.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	pr.shutdown = server.Shutdown
	pr.stop = sync.OnceFunc(func() {
		cancel()
		_ = server.Close()
		running.Wait()
	})
	t.Cleanup(pr.stop)
	if !p.local {
		eventually(t, "following", func() bool { _, ok := w.authority.AckedBy(p.services[0]); return ok })
	}
	return pr
}

// join starts a process that enrols by join tokens.
func (w *world) join(t testing.TB, p plan) *process {
	t.Helper()
	p.tokens = map[string]string{}
	for _, s := range p.services {
		p.tokens[s] = w.token(t, s)
	}
	return w.start(t, p)
}

func (w *world) token(t testing.TB, service string) string {
	t.Helper()
	token, err := w.authority.JoinToken(service)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// echo answers who calls.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	c, _ := peer.From(r.Context())
	_, _ = fmt.Fprintf(w, "%s %s", c.Service, r.Proto)
})

// stream sends a byte and then waits for the request to end.
var stream = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, ".")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
})

// bank is a process with routes that the shop may call.
func (w *world) bank(t testing.TB) *process { return w.bankAt(t, w.clock) }

func (w *world) bankAt(t testing.TB, clock *guildtest.Clock) *process {
	return w.join(t, plan{services: []string{"bank"}, clock: clock, routes: map[string][]peer.Route{"bank": {
		{Pattern: "GET /sessions", Allow: []string{"shop"}, Handler: echo},
		{Pattern: "GET /open", Allow: []string{peer.Anyone}, Handler: echo},
		{Pattern: "GET /stream", Allow: []string{"shop"}, Handler: stream},
		{Pattern: "GET /feed", Allow: []string{"shop"}, Handler: stream, Stream: true},
	}}})
}

func (w *world) shop(t testing.TB, bank *process) *process {
	return w.join(t, plan{services: []string{"shop"}, urls: map[string]string{"bank": "https://" + bank.addr}})
}

// get calls a path of a service under an identity.
func get(t testing.TB, from *process, as, to, path string) (status int, body string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, peer.URL(to)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := from.As(as).Client(to).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func wantOK(t testing.TB, from *process, as, to, path string) string {
	t.Helper()
	status, body, err := get(t, from, as, to, path)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s calls %s%s: %d %s %v", as, to, path, status, body, err)
	}
	return body
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func wantLog(t testing.TB, p *process, parts ...string) {
	t.Helper()
	eventually(t, "a line with "+strings.Join(parts, " and ")+" in the log", func() bool {
		for line := range strings.Lines(p.log.String()) {
			all := true
			for _, part := range parts {
				all = all && strings.Contains(line, part)
			}
			if all {
				return true
			}
		}
		return false
	})
}

// revoke revokes a service's newest certificate and waits until all followers
// have applied it.
func (w *world) revoke(t testing.TB, service string, followers ...*process) {
	t.Helper()
	seq, err := w.authority.Revoke(w.authority.Newest(service))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range followers {
		eventually(t, "revocation applied", func() bool { return f.Revocations().Sequence() >= seq })
	}
}

// handshake dials a process by hand and reads until the server has spoken, for
// a TLS 1.3 client is done before the server has judged it.
func handshake(addr string, config *tls.Config) (*tls.Conn, error) {
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = fmt.Fprintf(conn, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n")
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
