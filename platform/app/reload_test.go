package app

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/platform/fault"
)

// TestReloadNamesABadFile replaces a given TLS certificate by junk: the answer and
// the log name it, and what was served before stays.
func TestReloadNamesABadFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := run(t, dir)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	certs, err := filepath.Glob(filepath.Join(dir, "tls", "*.crt"))
	if err != nil || len(certs) != 1 {
		t.Fatalf("certificates %v, %v", certs, err)
	}
	cert, key := filepath.Join(dir, "given.crt"), filepath.Join(dir, "given.key")
	for to, from := range map[string]string{cert: certs[0], key: strings.TrimSuffix(certs[0], ".crt") + ".key"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := run(t, dir, func(c *Config) { c.Server.TLSCert, c.Server.TLSKey = cert, key })
	c, err := Dial(t.Context(), p.announced.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Do(t.Context(), http.MethodPost, "/reload", nil, nil); err != nil {
		t.Fatalf("the same files: %v", err)
	}
	if err := os.WriteFile(cert, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = c.Do(t.Context(), http.MethodPost, "/reload", nil, nil)
	problem, ok := errors.AsType[fault.Problem](err)
	if !ok || problem.Code != "certificate_unusable" || !strings.Contains(problem.Detail, cert) || !strings.Contains(problem.Detail, "server.tls_cert") {
		t.Fatalf("got %v", err)
	}
	if err := p.stop(); err != nil { // only then nobody writes the log
		t.Fatal(err)
	}
	if log := p.log.String(); !strings.Contains(log, "not reloaded") || !strings.Contains(log, "msg=reloaded") {
		t.Errorf("the log: %s", log)
	}
}
