package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// seen is the RemoteAddr that a handler behind the proxies gets.
func seen(p proxies, from string, headers http.Header) (address string) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr, r.Header = from, headers
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { address = r.RemoteAddr })
	p.around(h).ServeHTTP(httptest.NewRecorder(), r)
	return address
}

func TestWhoIsBehindTheProxies(t *testing.T) {
	t.Parallel()
	inside := newProxies([]string{"10.0.0.0/24", "fd00::/64"})
	for name, x := range map[string]struct {
		from string
		said []string // lines of X-Forwarded-For
		want string
	}{
		"a stranger says who he is":         {"192.0.2.9:1000", []string{"127.0.0.1"}, "192.0.2.9:1000"},
		"a stranger of IPv6":                {"[2001:db8::9]:1000", []string{"10.0.0.1"}, "[2001:db8::9]:1000"},
		"through a proxy":                   {"10.0.0.1:1000", []string{"192.0.2.9"}, "192.0.2.9:0"},
		"the proxy in IPv6":                 {"[::ffff:10.0.0.1]:1000", []string{"192.0.2.9"}, "192.0.2.9:0"},
		"the proxy on a link":               {"[fd00::1%eth0]:1000", []string{"192.0.2.9"}, "192.0.2.9:0"},
		"a neighbour of the proxies":        {"10.0.1.1:1000", []string{"192.0.2.9"}, "10.0.1.1:1000"},
		"with a port":                       {"10.0.0.1:1000", []string{"192.0.2.9:4711"}, "192.0.2.9:4711"},
		"IPv6":                              {"10.0.0.1:1000", []string{"2001:db8::9"}, "[2001:db8::9]:0"},
		"IPv6 in brackets":                  {"10.0.0.1:1000", []string{"[2001:db8::9]"}, "[2001:db8::9]:0"},
		"IPv6 with a port":                  {"10.0.0.1:1000", []string{"[2001:db8::9]:4711"}, "[2001:db8::9]:4711"},
		"IPv4 in IPv6":                      {"10.0.0.1:1000", []string{"::ffff:192.0.2.9"}, "192.0.2.9:0"},
		"a zone is nobody's business":       {"10.0.0.1:1000", []string{"fe80::9%evil"}, "[fe80::9]:0"},
		"two proxies":                       {"10.0.0.1:1000", []string{"192.0.2.9, 10.0.0.2"}, "192.0.2.9:0"},
		"two proxies, a header each":        {"10.0.0.1:1000", []string{"192.0.2.9", "10.0.0.2"}, "192.0.2.9:0"},
		"invented, in front":                {"10.0.0.1:1000", []string{"127.0.0.1, 10.0.0.7, 192.0.2.9"}, "192.0.2.9:0"},
		"invented, in a header of its own":  {"10.0.0.1:1000", []string{"127.0.0.1", "192.0.2.9, 10.0.0.2"}, "192.0.2.9:0"},
		"invented, a proxy behind a client": {"10.0.0.1:1000", []string{"10.0.0.2, 127.0.0.1, 192.0.2.9, 10.0.0.3"}, "192.0.2.9:0"},
		"garbage in front":                  {"10.0.0.1:1000", []string{"\x00, <script>, 999.1.1.1, 192.0.2.9"}, "192.0.2.9:0"},
		"garbage at the end":                {"10.0.0.1:1000", []string{"192.0.2.9, unknown"}, "10.0.0.1:1000"},
		"garbage behind a second proxy":     {"10.0.0.1:1000", []string{"192.0.2.9, unix:, 10.0.0.2"}, "10.0.0.2:0"},
		"an empty entry":                    {"10.0.0.1:1000", []string{"192.0.2.9,"}, "10.0.0.1:1000"},
		"an empty header":                   {"10.0.0.1:1000", []string{""}, "10.0.0.1:1000"},
		"none":                              {"10.0.0.1:1000", nil, "10.0.0.1:1000"},
		"proxies alone":                     {"10.0.0.1:1000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
		"no address of a peer":              {"@", []string{"192.0.2.9"}, "@"},
	} {
		if got := seen(inside, x.from, http.Header{"X-Forwarded-For": x.said}); got != x.want {
			t.Errorf("%s: %s from %s, want %s", name, got, x.from, x.want)
		}
	}
	said := http.Header{"X-Forwarded-For": {"192.0.2.9"}}
	if got := seen(newProxies(nil), "10.0.0.1:1000", said); got != "10.0.0.1:1000" {
		t.Errorf("without trusted proxies: %s", got)
	}
	others := http.Header{"Forwarded": {"for=192.0.2.9"}, "X-Real-Ip": {"192.0.2.9"}, "X-Client-Ip": {"192.0.2.9"}}
	if got := seen(inside, "10.0.0.1:1000", others); got != "10.0.0.1:1000" {
		t.Errorf("by a header that proxies hand on as it came: %s", got)
	}
}

// FuzzForwardedFor: whatever a visitor sends, the address that the proxy adds counts.
func FuzzForwardedFor(f *testing.F) {
	for _, text := range []string{"", "127.0.0.1", "10.0.0.2, ", "[::1]:80", "fe80::1%x", "a,b\x00,,"} {
		f.Add(text)
	}
	inside := newProxies([]string{"10.0.0.0/24"})
	f.Fuzz(func(t *testing.T, invented string) {
		for _, said := range [][]string{{invented + ", 192.0.2.9"}, {invented, "192.0.2.9"}, {invented, "192.0.2.9, 10.0.0.2"}} {
			if got := seen(inside, "10.0.0.1:1000", http.Header{"X-Forwarded-For": said}); got != "192.0.2.9:0" {
				t.Errorf("%q: %s", said, got)
			}
		}
		got := seen(inside, "10.0.0.1:1000", http.Header{"X-Forwarded-For": {invented}})
		if from, err := netip.ParseAddrPort(got); err != nil || from.Addr().Zone() != "" || from.Addr().Is4In6() {
			t.Errorf("%q: %s", invented, got)
		}
	})
}

func TestLimitsCountVisitorsBehindAProxyApart(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir(), func(c *Config) {
		c.Server.TrustedProxies = []string{"127.0.0.7/32"}
		c.Limits = LimitsConfig{Anonymous: 0.001, Burst: 2, ConnectionsPerAddress: 1}
	})
	last, err := lastAddresses(ServerConfig{Data: p.announced.Data})
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range []struct {
		proxy, visitor string
		want           int
	}{
		{"127.0.0.7", "192.0.2.1", 200}, {"127.0.0.7", "192.0.2.1", 200}, {"127.0.0.7", "192.0.2.1", 429},
		{"127.0.0.7", "192.0.2.2", 200}, {"127.0.0.7", "192.0.2.3, 192.0.2.1", 429},
		{"127.0.0.8", "192.0.2.4", 200}, // who is no proxy of ours counts himself
	} {
		if got := through(t, last.HTTP, x.proxy, "X-Forwarded-For: "+x.visitor); got.StatusCode != x.want {
			t.Errorf("request %d: %d, want %d", i+1, got.StatusCode, x.want)
		}
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.8")}}
	c, err := d.DialContext(t.Context(), "tcp", last.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if n, err := c.Read(make([]byte, 1)); err == nil { // one connection is open already
		t.Errorf("a second connection was answered with %d bytes", n)
	}
}

// through sends a request from the address, and keeps the connection as proxies do.
func through(t *testing.T, addr, from, header string) *http.Response {
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
	if _, err := io.WriteString(c, "GET /public HTTP/1.1\r\nHost: x\r\n"+header+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

func TestWhatReachedAProxyWithoutTLSIsSentToHTTPS(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir(), func(c *Config) { c.Server.TrustedProxies = []string{"127.0.0.1/32"} })
	browser := p.browser(t)
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, x := range []struct {
		said []string
		want int
	}{{nil, http.StatusOK}, {[]string{"https"}, http.StatusOK}, {[]string{"http, https"}, http.StatusOK},
		{[]string{"http"}, http.StatusFound}, {[]string{"https", "HTTP"}, http.StatusFound}, {[]string{"https , http "}, http.StatusFound}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.announced.Portal+"/design", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["X-Forwarded-Proto"] = x.said
		resp, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != x.want {
			t.Errorf("%q: %d, want %d", x.said, resp.StatusCode, x.want)
		}
		if to := resp.Header.Get("Location"); x.want == http.StatusFound && !strings.HasPrefix(to, p.announced.Portal+"/design") {
			t.Errorf("%q: sent to %s", x.said, to)
		}
	}
	if (proxies{}).overPlain(&http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-Proto": {"http"}}}) {
		t.Error("a stranger's word counts")
	}
}

func TestThePortOfThePlainListenerThatOthersSee(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		domain string
		port   int
		want   string
	}{
		{"guild.example.com", 0, "ca.guild.example.com:8080"}, {"guild.example.com", 80, "ca.guild.example.com"},
		{"guild.example.com", 81, "ca.guild.example.com:81"}, {"guildhall.localhost", 80, "127.0.0.1"},
	} {
		c := ServerConfig{PublicHTTPPort: x.port}
		if got := reachable("ca", x.domain, c.publicHTTP("127.0.0.1:8080"), "80"); got != x.want {
			t.Errorf("port %d of %s: %s, want %s", x.port, x.domain, got, x.want)
		}
	}
}
