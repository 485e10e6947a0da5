package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/sealed"
)

// visitorIP is where the visitors of these tests come from; nginx itself speaks from
// 127.0.0.1.
const visitorIP = "127.0.0.9"

// proxied is guildhall behind a nginx with the configuration of packaging/.
type proxied struct {
	*server
	httpPort, httpsPort string // nginx's
	roots               *x509.CertPool
	log                 string // the file in which nginx says what failed
}

func behindNginx(t *testing.T) proxied {
	t.Helper()
	p := proxied{httpPort: guildtest.FreePort(t), httpsPort: guildtest.FreePort(t), roots: x509.NewCertPool()}
	dir := t.TempDir()
	config := filepath.Join(dir, "guildhall.yaml")
	text := "server:\n  trusted_proxies: [127.0.0.1/32]\n  public_port: " + p.httpsPort + "\n  public_http_port: " + p.httpPort + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.server = start(t, t.TempDir(), "--config", config)
	root := must(t, "ca", "root", "--data", p.data)
	p.roots.AppendCertsFromPEM([]byte(root))
	if err := os.WriteFile(filepath.Join(dir, "root.pem"), []byte(root), 0o600); err != nil {
		t.Fatal(err)
	}
	own := p.addresses(t)
	p.nginx(t, dir, map[string]string{"DOMAIN": "guildhall.localhost", "LISTEN_HTTP": p.httpPort, "LISTEN_HTTPS": p.httpsPort,
		"UPSTREAM_HTTP": own.HTTP, "UPSTREAM_HTTPS": own.HTTPS, "TLS": filepath.Join(p.data, "tls"), "LOG": dir})
	p.log = filepath.Join(dir, "access.log")
	return p
}

// nginx runs one on the template, which it fills in as the image of nginx does; the
// check of guildhall's certificate is switched on.
func (p proxied) nginx(t *testing.T, dir string, variables map[string]string) {
	t.Helper()
	template, err := os.ReadFile("../packaging/nginx/guildhall.conf.template")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(template), "# proxy_ssl_", "proxy_ssl_")
	text = strings.ReplaceAll(text, "/etc/nginx/guildhall-root.pem", filepath.Join(dir, "root.pem"))
	for name, value := range variables {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	around := "daemon off; worker_processes 1; pid " + dir + "/pid;\nevents { worker_connections 512; }\nhttp {\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		around += kind + "_temp_path " + filepath.Join(dir, kind) + ";\n"
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(around+text+"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/usr/sbin/nginx", "-t", "-e", "stderr", "-c", file).CombinedOutput(); err != nil {
		t.Fatalf("nginx refuses its configuration (scripts/need.sh installs it): %v\n%s", err, out)
	}
	log := &logBuffer{}
	cmd := exec.Command("/usr/sbin/nginx", "-e", "stderr", "-c", file)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = cmd.Process.Signal(os.Interrupt), cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said:\n%s", log)
		}
	})
	await(t, "nginx listens", func() bool {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", variables["LISTEN_HTTPS"]))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// visitor reaches nginx by all names of guildhall, from an address of his own.
func (p proxied) visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitorIP)}}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Jar: jar, Timeout: patience}
}

// fetch is the answer to a request whose sender pretends to come from elsewhere.
func fetch(t *testing.T, client *http.Client, method, url, token string) (status int, protocol, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.66")
	r.Header.Set("Accept", "text/html, */*")
	r.Header.Set("Forwarded", "for=192.0.2.66")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Proto, string(text)
}

// TestBehindNginx: pages, sign-in, API, OCSP and licence calls through nginx, and the
// visitor's own address on a card and in the audit log.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	p := behindNginx(t)
	client := p.visitor(t)
	identity, ca := "https://identity.guildhall.localhost:"+p.httpsPort, "https://ca.guildhall.localhost:"+p.httpsPort
	if p.portal != "https://guildhall.localhost:"+p.httpsPort {
		t.Errorf("the portal is announced at %s", p.portal)
	}
	status, protocol, page := fetch(t, client, http.MethodGet, ca+"/", "")
	if status != http.StatusOK || protocol != "HTTP/2.0" || !strings.Contains(page, `action="/sign-in`) {
		t.Errorf("the way to the sign-in page: %d by %s\n%s", status, protocol, page)
	}
	if status, _, _ := fetch(t, client, http.MethodGet, identity+"/.well-known/openid-configuration", ""); status != http.StatusOK {
		t.Errorf("discovery: %d", status)
	}
	token := strings.TrimSpace(must(t, "admin", "token", "--data", p.data))
	if status, _, body := fetch(t, client, http.MethodGet, ca+"/api/v1/certificates", token); status != http.StatusOK {
		t.Errorf("the API: %d %s", status, body)
	}
	if status, _, body := fetch(t, client, http.MethodPost, "http://127.0.0.1:"+p.httpPort+"/ocsp", ""); status != http.StatusOK || body != "0\x03\n\x01\x01" {
		t.Errorf("an OCSP request that is none: %d %q", status, body)
	}
	link := strings.TrimSpace(must(t, "admin", "link", "--data", p.data))
	if status, _, _ := fetch(t, client, http.MethodGet, link[strings.Index(link, "https://"):], ""); status != http.StatusOK {
		t.Errorf("a break-glass link: %d", status)
	}
	if log := must(t, "ca", "audit", "list", "--action", "break_glass.entered", "--json", "--data", p.data); !strings.Contains(log, `"from": "`+visitorIP+`"`) {
		t.Errorf("the audit log does not have the visitor's address:\n%s", log)
	}
	p.seesTheVisitor(t, client)
	p.logsWhatFails(t, client)
}

// logsWhatFails: a request while guildhall is away is in nginx's log, without what is secret
// in its address, and none before it is.
func (p proxied) logsWhatFails(t *testing.T, client *http.Client) {
	t.Helper()
	p.stop(t)
	if status, _, _ := fetch(t, client, http.MethodGet, "https://guildhall.localhost:"+p.httpsPort+"/admin/enter?link=once", ""); status != http.StatusBadGateway {
		t.Errorf("without guildhall: %d", status)
	}
	var lines []string
	await(t, "nginx logs", func() bool {
		text, err := os.ReadFile(p.log)
		if err != nil {
			t.Fatal(err)
		}
		lines = strings.Split(strings.TrimSpace(string(text)), "\n")
		return lines[0] != ""
	})
	if len(lines) != 1 || !strings.Contains(lines[0], " "+visitorIP+" GET https://guildhall.localhost ") || !strings.Contains(lines[0], " 502 ") || strings.Contains(lines[0], "once") {
		t.Errorf("nginx logged:\n%s", strings.Join(lines, "\n"))
	}
}

// seesTheVisitor activates a card in each mode.
func (p proxied) seesTheVisitor(t *testing.T, client *http.Client) {
	t.Helper()
	dir := t.TempDir()
	at := func(args ...string) string {
		return must(t, append(append([]string{"license"}, args...), "--data", p.data)...)
	}
	at("product", "add", "press", "The Press")
	at("policy", "add", "press", "One year", "--days", "365")
	at("batch", "add", "--policy", "One year", "--count", "3", "--export", filepath.Join(dir, "keys.csv"))
	at("kit", "press", "--out", filepath.Join(dir, "kit.json"))
	text, err := os.ReadFile(filepath.Join(dir, "kit.json"))
	if err != nil {
		t.Fatal(err)
	}
	kit, err := license.ParseKit(text)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := os.Open(filepath.Join(dir, "keys.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = keys.Close() }()
	rows, err := csv.NewReader(keys).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows of keys, %v", len(rows), err)
	}
	for i, mode := range []sealed.Mode{sealed.HTTPS, sealed.PSK, sealed.HPKE} {
		digest, _ := fingerprint.Digest("press", "machine_id", string(mode)+" 5d1c6f0c2ad8463ea9c9b4e3f9f5a1d7")
		c, err := license.Open(license.Options{Kit: kit, Dir: t.TempDir(), Version: "1.0", Mode: mode, HTTP: client,
			Components: fingerprint.Components{"machine_id": digest}})
		if err != nil {
			t.Fatal(err)
		}
		key := rows[i+1][1]
		if s, err := c.Activate(t.Context(), key); err != nil || s.Verdict != license.VerdictActivated {
			t.Fatalf("%s: %+v, %v", mode, s, err)
		}
		var card manage.CardDetail
		if err := json.Unmarshal([]byte(at("card", "show", key, "--json")), &card); err != nil {
			t.Fatal(err)
		}
		if len(card.Environments) != 1 || card.Environments[0].IP != visitorIP {
			t.Errorf("%s: the card's machines: %+v", mode, card.Environments)
		}
	}
}
