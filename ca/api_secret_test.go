package ca

import (
	"net/http"
	"strings"
	"testing"
)

// An answer that may hold a private key or a token is for no cache, and is not
// compressed together with what the caller sent.
func TestAnswersWithSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	for path, body := range map[string]string{
		"/api/v1/certificates":   `{"common_name":"shop.example.com"}`,
		"/api/issue_certificate": `{"common_name":"shop.example.com"}`,
		"/api/v1/join-tokens":    `{"service":"shop"}`,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+testToken)
		r.Header.Set("Content-Type", "application/json")
		answer, err := a.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if got := answer.Header.Get("Cache-Control"); answer.StatusCode != http.StatusCreated || got != "no-store" {
			t.Errorf("%s: %s, Cache-Control %q", path, answer.Status, got)
		}
	}
}
