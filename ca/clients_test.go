package ca

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/crl"
	"guildhall/ca/internal/ocsp"
	"guildhall/ca/internal/store"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

// site is a working authority whose status files are served at the addresses
// in its certificates, and a folder with the files that clients need.
type site struct {
	*catest.World
	t         *testing.T
	base, dir string
	lists     *crl.Publisher
	files     *statusFiles
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.base = server.URL
	d := guildtest.Open(t, guildtest.SQLite(t), os.DirFS("migrations"))
	s.World = catest.New(t, d, catest.Options{Base: s.base, Changed: func(ctx context.Context, tx *sql.Tx) error { return s.lists.Changed(ctx, tx) }})
	queue := jobs.New(jobs.Options{DB: d})
	must(t, queue.Migrate(t.Context()))
	var err error
	s.lists, err = crl.New(crl.Options{DB: d, Jobs: queue, Signer: s.signer, Now: s.Service.Guard.Now, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	must(t, s.lists.Ensure(t.Context()))
	responder, err := ocsp.New(ocsp.Options{Issuer: s.Keys.Issuing().Certificate, Lookup: s.statuses, Certify: s.Service.IssueResponder,
		Now: s.Service.Guard.Now, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	s.files = &statusFiles{Lists: s.lists, Responder: responder, Root: s.Keys.RootCertificate(), Issuing: s.Keys.Issuing().Certificate,
		Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler)}
	s.files.mount(mux)
	for _, name := range []string{"root", "issuing"} {
		s.write(name+".pem", s.get("/ca/"+name+".pem"))
	}
	s.write("authority.pem", append(s.read("issuing.pem"), s.read("root.pem")...))
	s.fetchLists()
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) signer(_ context.Context, name string) (crl.Signer, error) {
	pair := s.Keys.Issuing()
	var err error
	if name == crl.Root {
		pair, err = s.Keys.Root()
	}
	return crl.Signer(pair), err
}

func (s *site) statuses(ctx context.Context, serials []string) (map[string]ocsp.Status, error) {
	found, err := s.Store.Statuses(ctx, serials)
	out := map[string]ocsp.Status{}
	for serial, st := range found {
		out[serial] = ocsp.Status(st)
	}
	return out, err
}

// get fetches a path of the status files.
func (s *site) get(path string) []byte {
	s.t.Helper()
	res, err := http.Get(s.base + path)
	must(s.t, err)
	defer res.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(res.Body)
	must(s.t, err)
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s\n%s", path, res.Status, body.String())
	}
	return body.Bytes()
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name string, data []byte) {
	s.t.Helper()
	must(s.t, os.WriteFile(s.path(name), data, 0o600))
}

func (s *site) read(name string) []byte {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	must(s.t, err)
	return data
}

// fetchLists writes the lists as clients read them from files.
func (s *site) fetchLists() {
	s.t.Helper()
	var both []byte
	for _, name := range []string{crl.Issuing, crl.Root} {
		der := s.get("/crl/" + name + ".crl")
		text := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
		s.write(name+".crl", der)
		s.write(name+".crl.pem", text)
		both = append(both, text...)
	}
	s.write("lists.pem", both)
}

// issue writes NAME.pem, NAME.key and NAME.chain.pem (with the issuing
// certificate) for a host.
func (s *site) issue(name, host string) *store.Record {
	s.t.Helper()
	issued := s.Issue(s.t, certificate.IssueRequest{CommonName: host})
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued.Record.DER})
	s.write(name+".pem", text)
	s.write(name+".key", []byte(issued.KeyPEM))
	s.write(name+".chain.pem", append(text, s.read("issuing.pem")...))
	return issued.Record
}

// revoke revokes a certificate and publishes the list that its job would.
func (s *site) revoke(r *store.Record) {
	s.t.Helper()
	_, err := s.Service.Revoke(s.t.Context(), certificate.RevokeRequest{ID: r.ID, Reason: "keyCompromise", By: catest.Admin})
	must(s.t, err)
	must(s.t, s.lists.Ensure(s.t.Context()))
	s.fetchLists()
}

// goodAndRevoked are www.pem, a valid certificate, and old.pem, a revoked one.
func (s *site) goodAndRevoked() {
	s.t.Helper()
	s.issue("www", "www.example.test")
	s.revoke(s.issue("old", "old.example.test"))
}

// packages are where the clients come from.
var packages = map[string]string{"openssl": "openssl", "curl": "curl", "certtool": "gnutls-bin", "ocsptool": "gnutls-bin",
	"certutil": "libnss3-tools", "crlutil": "libnss3-tools", "vfychain": "libnss3-tools"}

// run runs a client in the site's folder and returns its exit code and output.
func (s *site) run(name string, args ...string) (code int, output string) {
	s.t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		s.t.Fatalf("%s is missing: apt-get install -y %s", name, packages[name])
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "no_proxy=*", "http_proxy=", "https_proxy=")
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	must(s.t, err)
	return 0, string(out)
}

// ok runs a client that must succeed and say each of want.
func (s *site) ok(want []string, name string, args ...string) string {
	s.t.Helper()
	code, out := s.run(name, args...)
	if code != 0 {
		s.t.Fatalf("%s %s: exit %d\n%s", name, strings.Join(args, " "), code, out)
	}
	s.says(out, want, name, args)
	return out
}

// refuses runs a client that must fail and say each of want.
func (s *site) refuses(want []string, name string, args ...string) {
	s.t.Helper()
	code, out := s.run(name, args...)
	if code == 0 {
		s.t.Fatalf("%s %s: succeeded\n%s", name, strings.Join(args, " "), out)
	}
	s.says(out, want, name, args)
}

func (s *site) says(out string, want []string, name string, args []string) {
	s.t.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			s.t.Fatalf("%s %s does not say %q:\n%s", name, strings.Join(args, " "), w, out)
		}
	}
}

// serveTLS serves https with NAME's certificate and key, and staples what it is
// given, until the test ends.
func (s *site) serveTLS(name string, staple []byte) (port string) {
	s.t.Helper()
	pair, err := tls.LoadX509KeyPair(s.path(name+".chain.pem"), s.path(name+".key"))
	must(s.t, err)
	pair.OCSPStaple = staple
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello\n"))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	s.t.Cleanup(server.Close)
	_, port, _ = strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	return port
}

// certificate reads NAME.pem.
func (s *site) certificate(name string) *x509.Certificate {
	s.t.Helper()
	block, _ := pem.Decode(s.read(name + ".pem"))
	cert, err := x509.ParseCertificate(block.Bytes)
	must(s.t, err)
	return cert
}
