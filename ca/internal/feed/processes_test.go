package feed_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
)

// actor is a process of the test.
type actor struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	addr  string
	log   *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// enter starts a process; ready is its first line.
func enter(t *testing.T, role string, env ...string) (a *actor, first string) {
	t.Helper()
	a = &actor{cmd: exec.Command(os.Args[0]), lines: make(chan string, 64), log: &lockedBuffer{}}
	a.cmd.Env = append(os.Environ(), append(env, roleVar+"="+role)...)
	a.cmd.Stderr = a.log
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if a.in, err = a.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			a.lines <- s.Text()
		}
		close(a.lines)
	}()
	t.Cleanup(func() {
		a.kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", role, a.log)
		}
	})
	first = a.next(t)
	a.addr = strings.TrimPrefix(first, "ready ")
	return a, first
}

func start(t *testing.T, role string, env ...string) *actor {
	t.Helper()
	a, first := enter(t, role, env...)
	if !strings.HasPrefix(first, "ready ") {
		t.Fatalf("%s: %s", role, first)
	}
	return a
}

// kill is kill -9.
func (a *actor) kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

func (a *actor) next(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-a.lines:
		if !ok {
			t.Fatalf("the process ended; its log:\n%s", a.log)
		}
		return line
	case <-time.After(90 * time.Second):
		t.Fatal("no answer in 30 s")
	}
	return ""
}

func (a *actor) ask(t *testing.T, command string) string {
	t.Helper()
	if _, err := fmt.Fprintln(a.in, command); err != nil {
		t.Fatal(err)
	}
	return a.next(t)
}

func (a *actor) token(t *testing.T, service string) string {
	t.Helper()
	return tokenVar + "=" + strings.TrimPrefix(a.ask(t, "token "+service), "token ")
}

// troupe is an authority, a bank and a shop, each a process.
type troupe struct {
	dir            string
	env            []string
	root           *x509.Certificate
	ca, bank, shop *actor
}

func newTroupe(t *testing.T) *troupe {
	t.Helper()
	c, err := peertest.NewCA(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p := &troupe{dir: t.TempDir(), root: c.Root}
	if err := os.WriteFile(filepath.Join(p.dir, "authority.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	p.env = []string{dirVar + "=" + p.dir, listenVar + "=127.0.0.1:0"}
	p.ca = start(t, "ca", p.env...)
	p.env = append(p.env, authorityVar+"="+p.ca.addr)
	p.bank = start(t, "bank", append(p.env, p.ca.token(t, "bank"))...)
	p.env = append(p.env, bankVar+"="+p.bank.addr)
	p.shop = start(t, "shop", append(p.env, p.ca.token(t, "shop"))...)
	return p
}

// restartCA brings the authority back under its old address.
func (p *troupe) restartCA(t *testing.T) {
	t.Helper()
	p.ca = start(t, "ca", append(p.env, listenVar+"="+p.ca.addr)...)
}

func wantHello(t *testing.T, shop *actor) {
	t.Helper()
	if got := shop.ask(t, "call"); got != "hello" {
		t.Fatalf("the call answers %q", got)
	}
}

func TestProcessesRevoke(t *testing.T) {
	t.Parallel()
	p := newTroupe(t)
	wantHello(t, p.shop)
	if got := p.shop.ask(t, "stream"); got != "streaming" {
		t.Fatal(got)
	}
	// A client of another make that holds the shop's key, and a ticket.
	file := filepath.Join(p.dir, "shop", "shop.pem")
	cert, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(p.root)
	config := &tls.Config{ServerName: peer.Name("bank"), RootCAs: roots, Certificates: []tls.Certificate{cert}, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	for _, resumes := range []bool{false, true} {
		if did, err := visit(p.bank.addr, config); err != nil || did != resumes {
			t.Fatalf("before the revocation: resumed %v, %v", did, err)
		}
	}

	begun := time.Now()
	answer := strings.Fields(p.ca.ask(t, "revoke shop"))
	if len(answer) != 4 || answer[0] != "revoked" || answer[2] != "3" || answer[3] != "0" {
		t.Fatalf("the authority answers %q", answer)
	}
	took, err := strconv.Atoi(answer[1])
	if err != nil {
		t.Fatalf("the authority answers %q", answer)
	}
	cut := strings.Fields(p.shop.next(t))
	at, err := strconv.ParseInt(cut[1], 10, 64)
	if cut[0] != "cut" || err != nil {
		t.Fatalf("the stream: %v", cut)
	}
	t.Logf("acknowledged by all after %d us, the stream was cut after %d us", took, time.UnixMicro(at).Sub(begun).Microseconds())
	if _, err := visit(p.bank.addr, config); err == nil {
		t.Fatal("a revoked client came in by a ticket")
	}
	if got := p.shop.ask(t, "call"); !strings.HasPrefix(got, "error") {
		t.Fatalf("a revoked caller was served: %q", got)
	}
	for _, line := range []string{"its connections are cut", "internal connection refused"} {
		eventually(t, line, func() bool { return strings.Contains(p.bank.log.String(), line) })
	}

	// A restart does not undo it; a new token does.
	p.shop.kill()
	_, first := enter(t, "shop", p.env...)
	if !strings.Contains(first, "error") || !strings.Contains(first, "join token") {
		t.Fatalf("the revoked shop starts: %q", first)
	}
	shop := start(t, "shop", append(p.env, p.ca.token(t, "shop"))...)
	wantHello(t, shop)
	for _, log := range []*lockedBuffer{p.ca.log, p.bank.log, p.shop.log, shop.log} {
		if strings.Contains(log.String(), "ghj1.") {
			t.Fatal("a join token stands in a log")
		}
	}
}

// visit makes a connection that the server judges, and says whether it resumed.
func visit(addr string, config *tls.Config) (resumed bool, err error) {
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return false, err
	}
	if _, err := io.WriteString(conn, "GET /hello HTTP/1.1\r\nHost: bank\r\n\r\n"); err != nil {
		return false, err
	}
	_, err = conn.Read(make([]byte, 1))
	return conn.ConnectionState().DidResume, err
}

func TestProcessesOutliveTheAuthority(t *testing.T) {
	t.Parallel()
	p := newTroupe(t)
	wantHello(t, p.shop)

	// Within the lease nothing is noticed.
	p.ca.kill()
	wantHello(t, p.shop)
	p.restartCA(t)
	for until := time.Now().Add(testLease + time.Second); time.Now().Before(until); {
		wantHello(t, p.shop)
	}

	// Beyond it traffic stops, and both sides say why.
	p.ca.kill()
	eventually(t, "refused, with the reason", func() bool {
		refusal := p.shop.ask(t, "call")
		return strings.HasPrefix(refusal, "error") && strings.Contains(refusal, "the revocation state is unknown") && strings.Contains(refusal, "the lease is 3s")
	})
	for _, a := range []*actor{p.bank, p.shop} {
		eventually(t, "both sides say why", func() bool {
			return strings.Contains(a.log.String(), "all internal connections are refused until the authority is heard again")
		})
	}

	// Back, it goes on by itself.
	p.restartCA(t)
	eventually(t, "served again", func() bool { return p.shop.ask(t, "call") == "hello" })
}
