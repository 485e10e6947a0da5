package app

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestVisitorsDoNotLearnWhereTheDataIs: the page that tells how to get in is
// for everybody.
func TestVisitorsDoNotLearnWhereTheDataIs(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.announced.Portal+"/jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	resp, err := p.browser(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(page); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(text, ">guildhall admin link<") || strings.Contains(text, p.options.Config.Server.Data) {
		t.Errorf("status %d:\n%s", resp.StatusCode, text)
	}
}
