package e2e

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"guildhall/platform/guildtest"
)

// packages are where the clients come from.
var packages = map[string]string{"openssl": "openssl", "curl": "curl", "certtool": "gnutls-bin", "certutil": "libnss3-tools", "vfychain": "libnss3-tools"}

// bench is a folder in which standard clients judge what a server issued.
type bench struct {
	t      *testing.T
	server *server
	dir    string
	http   string // base address of the plain listener
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// run runs a client in the folder and returns its exit code and output.
func (b *bench) run(name string, args ...string) (code int, output string) {
	b.t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		b.t.Fatalf("%s is missing: apt-get install -y %s", name, packages[name])
	}
	cmd := exec.CommandContext(b.t.Context(), name, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "no_proxy=*", "http_proxy=", "https_proxy=")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		b.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// judge runs a client that must agree (or not) and say a text.
func (b *bench) judge(good bool, says, name string, args ...string) {
	b.t.Helper()
	code, out := b.run(name, args...)
	if (code == 0) != good || !strings.Contains(out, says) {
		b.t.Errorf("%s %s: exit %d, without %q or not as it should be:\n%s", name, strings.Join(args, " "), code, says, out)
	}
}

// fetch writes a file that the plain listener serves.
func (b *bench) fetch(path, name string) []byte {
	b.t.Helper()
	data := download(b.t, b.http+path, nil)
	b.write(name, data)
	return data
}

func (b *bench) write(name string, data []byte) {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// issue makes NAME.pem, NAME.chain.pem and NAME.key.
func (b *bench) issue(name string) {
	b.t.Helper()
	must(b.t, "ca", "issue", "--data", b.server.data, "--name", name+".example.test", "--out", b.path(name))
	for from, to := range map[string]string{"cert.pem": ".pem", "fullchain.pem": ".chain.pem", "privkey.pem": ".key"} {
		if err := os.Rename(filepath.Join(b.path(name), from), b.path(name+to)); err != nil {
			b.t.Fatal(err)
		}
	}
}

// newBench has www.pem, which is good, and old.pem, which is revoked on the list
// that the server publishes.
func newBench(t *testing.T) *bench {
	t.Helper()
	s := start(t, t.TempDir())
	b := &bench{t: t, server: s, dir: t.TempDir(), http: "http://" + s.addresses(t).HTTP}
	b.issue("www")
	b.issue("old")
	b.write("root.pem", []byte(must(t, "ca", "root", "--data", s.data)))
	b.fetch("/ca/issuing.pem", "issuing.pem")
	must(t, "ca", "revoke", "--data", s.data, s.serial(t, "old.example.test"), "--reason", "keyCompromise")
	await(t, "the revocation list has the certificate", func() bool {
		code, out := b.run("openssl", append(verifies, "-crl_check", "-crl_download", "old.pem")...)
		return code != 0 && strings.Contains(out, "certificate revoked")
	})
	var lists []byte
	for _, name := range []string{"issuing", "root"} {
		der := b.fetch("/crl/"+name+".crl", name+".crl")
		lists = append(lists, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})...)
	}
	b.write("lists.pem", lists)
	return b
}

var verifies = []string{"verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem"}

// Standard clients trust what the binary issues, and see what it revokes.
func TestStandardClients(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.openssl()
	b.curl()
	b.gnutls()
	b.nss()
}

func (b *bench) openssl() {
	b.t.Helper()
	with := func(args ...string) []string { return append(append([]string{}, verifies...), args...) }
	b.judge(true, "www.pem: OK", "openssl", with("-verify_hostname", "www.example.test", "-purpose", "sslserver", "www.pem")...)
	b.judge(true, "www.pem: OK", "openssl", with("-crl_check", "-crl_download", "www.pem")...)
	b.judge(true, "www.pem: OK", "openssl", with("-crl_check_all", "-CRLfile", "lists.pem", "www.pem")...)
	b.judge(false, "certificate revoked", "openssl", with("-crl_check_all", "-CRLfile", "lists.pem", "old.pem")...)
	for name, says := range map[string]string{"www": "www.pem: good", "old": "old.pem: revoked"} {
		code, url := b.run("openssl", "x509", "-in", name+".pem", "-noout", "-ocsp_uri")
		if code != 0 {
			b.t.Fatal(url)
		}
		b.judge(true, says, "openssl", "ocsp", "-issuer", "issuing.pem", "-CAfile", "root.pem", "-verify_other", "issuing.pem",
			"-no_nonce", "-cert", name+".pem", "-url", strings.TrimSpace(url), "-respout", name+".ocsp")
	}
}

// curl judges servers that have the certificates, with and without an OCSP
// answer sent along, and guildhall itself.
func (b *bench) curl() {
	b.t.Helper()
	get := func(host, port string, args ...string) []string {
		return append([]string{"-sS", "--cacert", "root.pem", "--resolve", host + ":" + port + ":127.0.0.1", "https://" + host + ":" + port + "/"}, args...)
	}
	www, old := b.serve("www"), b.serve("old")
	b.judge(true, "hello", "curl", get("www.example.test", www, "--crlfile", "lists.pem")...)
	b.judge(true, "hello", "curl", get("www.example.test", www, "--cert-status")...)
	b.judge(true, "hello", "curl", get("old.example.test", old)...)
	b.judge(false, "certificate revoked", "curl", get("old.example.test", old, "--crlfile", "lists.pem")...)
	b.judge(false, "revocation reason: keyCompromise", "curl", get("old.example.test", old, "--cert-status")...)
	_, port, _ := net.SplitHostPort(b.server.addresses(b.t).HTTPS)
	b.judge(true, "<html", "curl", get("guildhall.localhost", port, "--cert-status", "--crlfile", "lists.pem")...)
}

// serve serves https with a certificate and its OCSP answer.
func (b *bench) serve(name string) (port string) {
	b.t.Helper()
	pair, err := tls.LoadX509KeyPair(b.path(name+".chain.pem"), b.path(name+".key"))
	if err != nil {
		b.t.Fatal(err)
	}
	if pair.OCSPStaple, err = os.ReadFile(b.path(name + ".ocsp")); err != nil {
		b.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "hello") }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	b.t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(server.Listener.Addr().String())
	return port
}

func (b *bench) gnutls() {
	b.t.Helper()
	verify := func(name string) []string {
		return []string{"--verify", "--load-ca-certificate", "root.pem", "--load-crl", "lists.pem", "--infile", name + ".chain.pem"}
	}
	b.judge(true, "Chain verification output: Verified", "certtool", verify("www")...)
	b.judge(false, "revoked", "certtool", verify("old")...)
}

func (b *bench) nss() {
	b.t.Helper()
	b.judge(true, "", "certutil", "-N", "-d", "sql:.", "--empty-password")
	b.judge(true, "", "certutil", "-A", "-d", "sql:.", "-n", "root", "-t", "C,,", "-a", "-i", "root.pem")
	b.judge(true, "", "certutil", "-A", "-d", "sql:.", "-n", "issuing", "-t", ",,", "-a", "-i", "issuing.pem")
	b.judge(true, "", "certutil", "-A", "-d", "sql:.", "-n", "www", "-t", ",,", "-a", "-i", "www.pem")
	b.judge(true, "certificate is valid", "certutil", "-V", "-d", "sql:.", "-u", "V", "-n", "www")
	for _, method := range []string{"crl", "ocsp"} {
		check := func(name string) []string {
			return []string{"-d", "sql:.", "-pp", "-u", "1", "-g", "leaf", "-h", "requireFreshInfo", "-m", method, "-s", "failIfNoInfo",
				"-a", name + ".pem", "-a", "issuing.pem"}
		}
		b.judge(true, "Chain is good!", "vfychain", check("www")...)
		b.judge(false, "Peer's Certificate has been revoked", "vfychain", check("old")...)
	}
}

// Chromium shows the pages when it trusts the root, and not otherwise.
func TestChromiumTrustsTheRoot(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	trusting := guildtest.Browser(t, guildtest.BrowserOptions{RootPEM: []byte(must(t, "ca", "root", "--data", s.data))})
	if answer, err := chromedp.Run(trusting, chromedp.NavigateResponse(s.service("ca")+"/trust")); err != nil || answer.Status != http.StatusOK {
		t.Errorf("with the root: %+v, %v", answer, err)
	}
	doubting := guildtest.Browser(t, guildtest.BrowserOptions{OnError: func(string) {}})
	if _, err := chromedp.Run(doubting, chromedp.NavigateResponse(s.service("ca")+"/trust")); err == nil || !strings.Contains(err.Error(), "ERR_CERT_AUTHORITY_INVALID") {
		t.Errorf("without the root: %v", err)
	}
}
