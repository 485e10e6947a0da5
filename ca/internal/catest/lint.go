package catest

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// linter builds zlint as tools/go.mod pins it, once a process.
var linter = sync.OnceValues(func() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "..", "..", "..", "scripts", "tool.sh")
	out, err := exec.Command("sh", script, "zlint").Output() //nolint:gosec // a script of this repository
	return strings.TrimSpace(string(out)), err
})

// Lint fails the test when zlint finds that a certificate or a revocation list
// breaks RFC 5280. kind is the PEM type: "CERTIFICATE" or "X509 CRL".
func Lint(t testing.TB, name, kind string, der []byte) {
	t.Helper()
	binary, err := linter()
	if err != nil {
		t.Fatalf("build the linter: %v", err)
	}
	file := filepath.Join(t.TempDir(), "lint.pem")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	out, err := exec.CommandContext(t.Context(), binary, "-includeSources", "RFC5280", file).Output() //nolint:gosec // ours
	if err != nil {
		t.Fatalf("%s: run the linter: %v", name, err)
	}
	var lints map[string]struct {
		Result  string `json:"result"`
		Details string `json:"details"`
	}
	must(t, json.Unmarshal(out, &lints))
	passed := 0
	for lint, r := range lints {
		switch r.Result {
		case "pass":
			passed++
		case "NA", "NE":
		default:
			t.Errorf("%s: %s: %s %s", name, lint, r.Result, r.Details)
		}
	}
	// Without this a linter that read nothing would please us.
	if passed < 5 {
		t.Errorf("%s: only %d lints applied", name, passed)
	}
}

// OpenSSL runs openssl and returns what it prints; it fails the test when the
// program is missing.
func OpenSSL(t testing.TB, args ...string) (out string, err error) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is missing: apt-get install openssl")
	}
	text, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput() //nolint:gosec // the test's own arguments
	return string(text), err
}
