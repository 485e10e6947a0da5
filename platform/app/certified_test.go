package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// certified is a process whose service says at mtls.notes.<domain> who came, and
// whether the authority stands for them.
func certified(t *testing.T, change ...func(*Config)) *process {
	t.Helper()
	return runAs(t, t.TempDir(), func(d *Definition) {
		open := d.New
		d.New = func(ctx context.Context, env Env) (*Service, error) {
			s, err := open(ctx, env)
			who := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, told(env, r)) }
			s.Certified = func(mux *http.ServeMux) { mux.HandleFunc("/who", who) }
			pages := s.Pages
			s.Pages = func(mux *http.ServeMux) { pages(mux); mux.HandleFunc("/who", who) }
			s.CrossOrigin = []string{"POST /who"}
			return s, err
		}
	}, change...)
}

func told(env Env, r *http.Request) string {
	shown := r.TLS.PeerCertificates
	if len(shown) == 0 {
		return "nobody"
	}
	if err := env.VerifyClient(r.Context(), shown[0], shown[1:]); err != nil {
		return "not " + shown[0].DNSNames[0]
	}
	return shown[0].DNSNames[0]
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issued is a client certificate of the authority.
func (p *process) issued(t *testing.T, name string) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key := newKey(t)
	b, leaf, err := p.authority.Sign(&x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: b.Chain, PrivateKey: key}, leaf
}

// ownMade is a certificate that nobody but its holder stands for.
func ownMade(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// caller is a client that shows its certificate wherever it is asked for one, and
// counts how often that is.
type caller struct {
	*http.Client
	tls   *tls.Config
	asked *atomic.Int32
}

// caller shows c, or nothing if it is empty.
func (p *process) caller(t *testing.T, c tls.Certificate) caller {
	t.Helper()
	asked := &atomic.Int32{}
	config := &tls.Config{RootCAs: p.root, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked.Add(1)
		return &c, nil
	}}
	client := p.browser(t)
	transport := client.Transport.(*http.Transport) //nolint:forcetypeassert // made by browser
	transport.TLSClientConfig, transport.ForceAttemptHTTP2 = config, true
	return caller{client, config, asked}
}

// at is the address of the host where certificates are asked for.
func (p *process) at() string { return strings.Replace(p.notes(), "https://", "https://mtls.", 1) }

func TestCertificatesAreAskedForOnTheirHostAlone(t *testing.T) {
	t.Parallel()
	p := certified(t)
	good, leaf := p.issued(t, "robot.example.com")
	for name, x := range map[string]struct {
		shown tls.Certificate
		want  string
	}{
		"of the authority": {good, "robot.example.com"},
		"of its own":       {ownMade(t, "robot.example.com"), "not robot.example.com"},
		"none":             {tls.Certificate{}, "nobody"},
	} {
		c := p.caller(t, x.shown)
		if status, body := get(t, c.Client, p.at()+"/who"); status != http.StatusOK || body != x.want {
			t.Errorf("a certificate %s: %d %q, want %q", name, status, body, x.want)
		}
		if c.asked.Load() != 1 {
			t.Errorf("a certificate %s: asked %d times", name, c.asked.Load())
		}
		for _, url := range []string{p.notes() + "/who", p.announced.Portal + "/"} {
			if status, body := get(t, c.Client, url); status != http.StatusOK || strings.Contains(body, "robot") {
				t.Errorf("%s: %d %q", url, status, body)
			}
		}
		if c.asked.Load() != 1 {
			t.Errorf("another host asked for a certificate")
		}
	}
	if _, err := p.authority.Revoke(leaf); err != nil {
		t.Fatal(err)
	}
	c := p.caller(t, good)
	wait(t, "the revocation is known", func() bool { _, body := get(t, c.Client, p.at()+"/who"); return body == "not robot.example.com" })
}

// wait waits for a condition.
func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// TestConnectionsServeNoOtherHost sends requests for one host over connections
// that were made for another.
func TestConnectionsServeNoOtherHost(t *testing.T) {
	t.Parallel()
	p := certified(t)
	good, _ := p.issued(t, "robot.example.com")
	mtls, usual := strings.TrimPrefix(p.at(), "https://"), strings.TrimPrefix(p.notes(), "https://")
	_, port, err := net.SplitHostPort(usual)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		sni, host string
		want      int
	}{
		{mtls, mtls, http.StatusOK},
		{mtls, "MTLS.Notes.guildhall.localhost.:" + port, http.StatusOK},
		{strings.ToUpper(mtls), mtls, http.StatusOK},
		{mtls, strings.TrimSuffix(mtls, ":"+port), http.StatusOK},
		{usual, mtls, http.StatusMisdirectedRequest},
		{"127.0.0.1:" + port, mtls, http.StatusMisdirectedRequest},
		{mtls, usual, http.StatusMisdirectedRequest},
		{mtls, "guildhall.localhost", http.StatusMisdirectedRequest},
		{mtls, "evil.example.com", http.StatusMisdirectedRequest},
		{usual, "guildhall.localhost", http.StatusNotFound}, // the portal has no such page
		{usual, "mtls.mtls.notes.guildhall.localhost", http.StatusNotFound},
	} {
		c := p.caller(t, good)
		c.tls.ServerName, _, _ = net.SplitHostPort(x.sni)
		if net.ParseIP(c.tls.ServerName) != nil {
			c.tls.InsecureSkipVerify = true // no name is sent for an address
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+usual+"/who", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = x.host
		resp, err := c.Do(r)
		if err != nil {
			t.Fatalf("%v: %v", x, err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != x.want || resp.ProtoMajor != 2 {
			t.Errorf("connected to %s, asked for %s: %s %s %.200q %v, want %d", x.sni, x.host, resp.Proto, resp.Status, text, err, x.want)
		}
		if x.want == http.StatusOK && string(text) != "robot.example.com" || x.want != http.StatusOK && strings.Contains(string(text), "robot") {
			t.Errorf("connected to %s, asked for %s: %q", x.sni, x.host, text)
		}
	}
}

// oneSession gives every host the session of whichever was first.
type oneSession struct{ tls.ClientSessionCache }

func (o oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.ClientSessionCache.Get("") }
func (o oneSession) Put(_ string, s *tls.ClientSessionState)    { o.ClientSessionCache.Put("", s) }

// dial connects to the host of url with what the caller has.
func (p *process) dial(t *testing.T, c caller, url string) *tls.Conn {
	t.Helper()
	config := c.tls.Clone()
	host := strings.TrimPrefix(url, "https://")
	config.ServerName, _, _ = net.SplitHostPort(host)
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// who asks on a connection; reading the answer also takes the session's ticket.
func who(t *testing.T, conn *tls.Conn) string {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET /who HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", conn.ConnectionState().ServerName); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "\r\n\r\n")
	return body
}

// TestSessionsResumeWithTheirCertificate also takes the session of one host to the
// other: the certificate is on the host that asks for it and on no other.
func TestSessionsResumeWithTheirCertificate(t *testing.T) {
	t.Parallel()
	p := certified(t)
	good, _ := p.issued(t, "robot.example.com")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, x := range []struct {
			first, then, want string
			resumes           bool
		}{
			{p.at(), p.at(), "robot.example.com", true},
			{p.at(), p.notes(), "nobody", false},
			{p.notes(), p.at(), "nobody", true}, // nothing was asked for, so nothing was shown
		} {
			c := p.caller(t, good)
			c.tls.ClientSessionCache, c.tls.MaxVersion = oneSession{tls.NewLRUClientSessionCache(1)}, version
			who(t, p.dial(t, c, x.first))
			again := p.dial(t, c, x.then)
			if got, resumed := who(t, again), again.ConnectionState().DidResume; got != x.want || resumed != x.resumes {
				t.Errorf("%s: from %s to %s: %q, resumed %v", tls.VersionName(version), x.first, x.then, got, resumed)
			}
		}
	}
}

func TestTheCertifiedHostIsForPrograms(t *testing.T) {
	t.Parallel()
	p := certified(t)
	c := p.caller(t, ownMade(t, "robot.example.com"))
	for _, path := range []string{"/", "/enter", "/api", "/panic"} {
		if status, _ := get(t, c.Client, p.at()+path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	post := func(base string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/who", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if status := post(p.notes()); status != http.StatusOK {
		t.Errorf("from another site, where that is allowed: %d", status)
	}
	if status := post(p.at()); status != http.StatusForbidden {
		t.Errorf("from another site, with a certificate: %d", status)
	}
	if p.env.CertifiedURL != p.at() {
		t.Errorf("the service is told %s", p.env.CertifiedURL)
	}
}

func TestServicesWithoutCertifiedHaveNoSuchHost(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	c := p.caller(t, ownMade(t, "robot.example.com"))
	c.tls.InsecureSkipVerify = true // nor is the certificate for it
	if status, body := get(t, c.Client, p.at()+"/who"); status != http.StatusNotFound || !strings.Contains(body, "unknown_host") {
		t.Errorf("%d %s", status, body)
	}
	if c.asked.Load() != 0 {
		t.Error("it asked for a certificate")
	}
}

// TestTheAuthorityNamesItsHostBesideAGivenCertificate: a wildcard from somewhere
// else does not cover it.
func TestTheAuthorityNamesItsHostBesideAGivenCertificate(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "*.guildhall.localhost")
	p := certified(t, func(c *Config) { c.Server.TLSCert, c.Server.TLSKey = cert, key })
	good, _ := p.issued(t, "robot.example.com")
	c := p.caller(t, good)
	if status, body := get(t, c.Client, p.at()+"/who"); status != http.StatusOK || body != "robot.example.com" {
		t.Errorf("%d %q", status, body)
	}
	given, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	c.tls.RootCAs = x509.NewCertPool()
	c.tls.RootCAs.AddCert(given.Leaf)
	if status, body := get(t, c.Client, p.notes()+"/who"); status != http.StatusOK || body != "nobody" {
		t.Errorf("with the given certificate: %d %q", status, body)
	}
}

// TestCurlShowsItsCertificate is what a person at a shell does.
func TestCurlShowsItsCertificate(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is missing: apt-get install curl")
	}
	p := certified(t)
	good, _ := p.issued(t, "robot.example.com")
	roots, err := p.authority.Roots()
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(p.at())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, ders ...[]byte) string {
		var text []byte
		for _, der := range ders {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := write("root.pem", "CERTIFICATE", roots[0].Raw)
	curl := func(base string, args ...string) string {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		args = append([]string{"-sS", "--max-time", "30", "--cacert", root, "--resolve", u.Hostname() + ":" + at.Port() + ":127.0.0.1", base + "/who"}, args...)
		out, err := exec.CommandContext(t.Context(), "curl", args...).CombinedOutput()
		if err != nil {
			t.Errorf("curl %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for name, c := range map[string]tls.Certificate{"robot.example.com": good, "not own.example.com": ownMade(t, "own.example.com")} {
		key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		show := []string{"--cert", write("cert.pem", "CERTIFICATE", c.Certificate...), "--key", write("key.pem", "PRIVATE KEY", key)}
		if got := curl(p.at(), show...); got != name {
			t.Errorf("with %s: %q", name, got)
		}
		if got := curl(p.notes(), show...); got != "nobody" {
			t.Errorf("where nobody asks, with %s: %q", name, got)
		}
	}
	if got := curl(p.at()); got != "nobody" {
		t.Errorf("without: %q", got)
	}
}
