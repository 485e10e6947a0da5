package app

import (
	"net/http"
	"strings"
	"testing"

	"guildhall/platform/session"
)

// The portal leads people to their account where there is one, and those who entered
// by a link on into each service.
func TestPortalLeadsOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*Config)
		account bool
	}{
		"with identity":    {func(c *Config) { c.Peers.URLs = map[string]string{session.IdentityService: "https://127.0.0.1:1"} }, true},
		"without identity": {func(*Config) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := run(t, t.TempDir(), c.change)
			browser := p.browser(t)
			const account, pass = `>My account<`, `/admin/pass?to=notes"`
			status, page := get(t, browser, p.announced.Portal+"/")
			if status != http.StatusOK || strings.Contains(page, account) != c.account || strings.Contains(page, pass) || !strings.Contains(page, `"`+p.notes()+`/"`) {
				t.Errorf("what a visitor sees: status %d\n%s", status, page)
			}
			if status, _ := get(t, browser, p.announced.Link); status != http.StatusOK {
				t.Fatalf("the link: %d", status)
			}
			status, page = get(t, browser, p.announced.Portal+"/")
			if status != http.StatusOK || strings.Contains(page, account) || strings.Count(page, pass) != 2 {
				t.Errorf("what an administrator sees: status %d\n%s", status, page)
			}
			if status, page := get(t, browser, p.announced.Portal+session.PassPath("notes")); status != http.StatusOK || !strings.Contains(page, "notes") {
				t.Errorf("the way on: status %d\n%s", status, page)
			}
		})
	}
}
