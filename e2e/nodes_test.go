package e2e

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ocsp"

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/ca"
)

// Two processes on one database issue at once: every certificate has a number of
// its own, both know all of them, the audit log is whole, and what one revokes
// the other calls revoked at once.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	config := onPostgres(t, guildtest.Postgres(t))
	one := start(t, t.TempDir(), "--config", config)
	two := start(t, secondNode(t, one.data), "--config", config)
	if a, b := must(t, "ca", "root", "--data", one.data), must(t, "ca", "root", "--data", two.data); a != b {
		t.Fatal("they are not the same authority")
	}
	var held []string
	loads := []*load{{}, {}}
	for i, s := range []*server{one, two} {
		loads[i].issue(t, s.api(t), 3, false)
	}
	for _, l := range loads {
		await(t, "30 certificates from each", func() bool { held, failed := l.count(); return held >= 30 || failed > 0 })
	}
	for _, l := range loads {
		l.close()
		if err := errors.Join(l.failed...); err != nil {
			t.Errorf("a client was refused: %v", err)
		}
		held = append(held, l.serial...)
	}
	one.holds(t, held)
	two.holds(t, held)

	must(t, "ca", "revoke", "--data", two.data, held[0], "--reason", "superseded")
	must(t, "ca", "revoke", "--data", one.data, held[1], "--reason", "superseded")
	for _, s := range []*server{one, two} {
		must(t, "status", "--data", s.data)
		for _, serial := range held[:2] {
			if status := s.ocsp(t, serial); status != ocsp.Revoked {
				t.Errorf("OCSP says %d of %s", status, serial)
			}
			if c := s.listed(t, "--query", serial)[serial]; c.Status != "revoked" {
				t.Errorf("%s is %s", serial, c.Status)
			}
		}
	}
	oncePerKind(t, one)
}

// ocsp is what the process's own responder says of a certificate.
func (s *server) ocsp(t *testing.T, serial string) int {
	t.Helper()
	base := "http://" + s.addresses(t).HTTP
	issuer, err := x509.ParseCertificate(download(t, base+"/ca/issuing.cer", nil))
	if err != nil {
		t.Fatal(err)
	}
	number, _ := new(big.Int).SetString(serial, 16)
	request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: number}, issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ocsp.ParseResponse(download(t, base+"/ocsp", request), issuer)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status
}

// download fetches a file; with a body by POST.
func download(t *testing.T, url string, body []byte) []byte {
	t.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v", method, url, answer.Status, err)
	}
	return data
}

// secondNode is a data directory with the secrets of the first one's services.
func secondNode(t *testing.T, first string) string {
	t.Helper()
	data := t.TempDir()
	for _, name := range []string{"ca/seal.key", "ca/root.passphrase", "identity/identity.key", "identity/mail.key", "license/license.key", "license/mail.key"} {
		text, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(data, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// oncePerKind checks that each periodic job is due once, not once a node.
func oncePerKind(t *testing.T, s *server) {
	t.Helper()
	var list []struct {
		Service string `json:"service"`
		Kind    string `json:"kind"`
		State   string `json:"state"`
	}
	if err := json.Unmarshal([]byte(must(t, "jobs", "list", "--data", s.data, "--json")), &list); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, j := range list {
		if j.State == "waiting" || j.State == "running" {
			count[j.Service+" "+j.Kind]++
		}
	}
	for _, kind := range []string{"ca platform.backup", "ca ca.expiry", "identity platform.backup", "identity identity.codes"} {
		if count[kind] != 1 {
			t.Errorf("%s is due %d times; all: %v", kind, count[kind], count)
		}
	}
}

// A node without the secrets of the authority says what it needs, and leaves the
// authority as it is.
func TestSecondNodeWithoutSecrets(t *testing.T) {
	t.Parallel()
	config := onPostgres(t, guildtest.Postgres(t))
	one := start(t, t.TempDir(), "--config", config)
	root := must(t, "ca", "root", "--data", one.data)
	_, errs, code := guildhall(t, "serve", "--data", t.TempDir(), "--config", config, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--internal", "127.0.0.1:0")
	if code == 0 || !strings.Contains(errs, "seal.key") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if must(t, "ca", "root", "--data", one.data) != root {
		t.Error("there is another root now")
	}
	if _, err := one.api(t).Issue(t.Context(), ca.IssueRequest{CommonName: "still.example.com"}); err != nil {
		t.Error(err)
	}
}
