package certificate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
)

// everyKind is a certificate of each profile and type of key.
func everyKind(t *testing.T, w *catest.World) map[string]*store.Record {
	t.Helper()
	all := map[string]*store.Record{}
	for name, r := range map[string]certificate.IssueRequest{
		"server":         {CommonName: "a.example.com", Names: []string{"*.b.example.com", "10.0.0.1", "2001:db8::1"}},
		"server, RSA":    {CommonName: "rsa.example.com", KeyType: profile.RSA2048},
		"server, P-384":  {CommonName: "p384.example.com", KeyType: profile.ECDSAP384},
		"server, long":   {Names: []string{strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".example.com"}},
		"server, IDN":    {CommonName: "bücher.example.com"},
		"client":         {Profile: profile.Client, CommonName: "build agent", Names: []string{"https://agents.example.com/7", "agent@example.com"}},
		"client, no SAN": {Profile: profile.Client, CommonName: "build agent"},
		"user, Ed25519":  {Profile: profile.User, CommonName: "Łukasz Żak", Names: []string{"lukasz@example.com"}, KeyType: profile.Ed25519},
	} {
		all[name] = w.Issue(t, r).Record
	}
	key := catest.NewKey(t)
	_, err := w.Enroller.EnrolLocal(t.Context(), "shop", catest.CSR(t, key, "shop.guildhall.internal"))
	must(t, err)
	all["service"], err = w.Store.FindByName(t.Context(), "shop.guildhall.internal")
	must(t, err)
	responder, err := w.Service.IssueResponder(t.Context(), key.Public())
	must(t, err)
	all["ocsp"], err = w.Service.Get(t.Context(), store.SerialText(responder.SerialNumber))
	must(t, err)
	return all
}

func TestLinterFindsNothing(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]profile.PolicyText{"open": {}, "constrained": {Permitted: []string{"example.com"}, PermittedIPs: []string{"10.0.0.0/8", "2001:db8::/32"}}} {
		w := onSQLite(t, catest.Options{Policy: policy})
		catest.Lint(t, name+" root", "CERTIFICATE", w.Keys.RootCertificate().Raw)
		catest.Lint(t, name+" issuing", "CERTIFICATE", w.Keys.Issuing().Certificate.Raw)
		for kind, r := range everyKind(t, w) {
			catest.Lint(t, name+" "+kind, "CERTIFICATE", r.DER)
		}
	}
}

func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{Policy: profile.PolicyText{Permitted: []string{"example.com"}, PermittedIPs: []string{"10.0.0.0/8", "2001:db8::/32"}}})
	dir := t.TempDir()
	file := func(name string, ders ...[]byte) string {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "_")+".pem")
		must(t, os.WriteFile(path, []byte(certificate.PEM(ders...)), 0o600))
		return path
	}
	root, issuing := file("root", w.Keys.RootCertificate().Raw), file("issuing", w.Keys.Issuing().Certificate.Raw)
	purposes := map[string]string{profile.Server: "sslserver", profile.Service: "sslserver", profile.Client: "sslclient", profile.User: "smimesign", profile.OCSP: "ocsphelper"}
	for name, r := range everyKind(t, w) {
		leaf := file(name, r.DER)
		out, err := catest.OpenSSL(t, "verify", "-x509_strict", "-purpose", purposes[r.Profile], "-CAfile", root, "-untrusted", issuing, leaf)
		if err != nil || !strings.Contains(out, "OK") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if r.Profile == profile.Server {
			if out, err := catest.OpenSSL(t, "verify", "-purpose", "smimesign", "-CAfile", root, "-untrusted", issuing, leaf); err == nil {
				t.Errorf("%s is good for e-mail too: %s", name, out)
			}
		}
	}
}

func TestOpenSSLMakesRequestsAndReadsBundles(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	dir := t.TempDir()
	key, csr, bundle := filepath.Join(dir, "key.pem"), filepath.Join(dir, "request.csr"), filepath.Join(dir, "file.p12")
	for _, kind := range [][]string{{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, {"-newkey", "rsa:2048"}, {"-newkey", "ed25519"}} {
		args := append([]string{"req", "-new", "-nodes", "-keyout", key, "-out", csr, "-subj", "/CN=a.example.com", "-addext", "subjectAltName=DNS:a.example.com,IP:10.0.0.1"}, kind...)
		if out, err := catest.OpenSSL(t, args...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		request, err := os.ReadFile(csr)
		must(t, err)
		private, err := os.ReadFile(key)
		must(t, err)
		issued := w.Issue(t, certificate.IssueRequest{CSR: request})
		if got := strings.Join(issued.Record.Names, " "); got != "dns:a.example.com ip:10.0.0.1" {
			t.Errorf("%v: names %q", kind, got)
		}
		p12, err := w.Service.PKCS12(t.Context(), certificate.BundleRequest{ID: issued.Record.ID, Password: "correct horse", KeyPEM: string(private), By: catest.Admin})
		must(t, err)
		must(t, os.WriteFile(bundle, p12, 0o600))
		out, err := catest.OpenSSL(t, "pkcs12", "-in", bundle, "-passin", "pass:correct horse", "-nodes", "-info")
		if err != nil || strings.Count(out, "BEGIN CERTIFICATE") != 3 || !strings.Contains(out, "BEGIN PRIVATE KEY") || !strings.Contains(out, "AES-256-CBC") {
			t.Errorf("%v: %v\n%s", kind, err, out)
		}
	}
}
