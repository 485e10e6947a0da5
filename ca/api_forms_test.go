package ca

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"guildhall/ca/web/locales"
	"guildhall/platform/i18n"
	"guildhall/platform/id"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
	wire "guildhall/sdk/go/ca"
)

// What PostgreSQL would not store does not reach it from a form either: every
// field of every form is sent a NUL and bytes that are no text.
func TestFormsTakeOnlyText(t *testing.T) {
	onBoth(t, func(t *testing.T, a *authority) {
		bundle, err := i18n.NewBundle(weblocales.FS(), locales.FS())
		ok(t, err)
		site := web.NewSite(web.SiteOptions{Bundle: bundle, Log: slog.New(slog.DiscardHandler), Now: time.Now})
		p := newPages(pageOptions{Site: site, Certificates: a.certificates, Tokens: a.tokens, Lists: a.lists, Audit: a.audit,
			PublicURL: "https://ca.guild.example.test", InternalURL: "https://ca.guild.example.test:8444"})
		mux := http.NewServeMux()
		p.Mount(mux)
		pages := site.Wrap(asAdministrator(p.Shell().Handler(mux)))
		issued, err := a.client.Issue(t.Context(), wire.IssueRequest{CommonName: "shop.example.com"})
		ok(t, err)
		one := "/certificates/" + issued.Certificate.ID
		for _, c := range []struct {
			path string
			good url.Values
			// status is what the form is answered as it is here.
			status int
		}{
			{"/certificates/new?key=made", url.Values{"common_name": {"a.example.com"}, "sans": {"b"}, "profile": {"server"}, "lifetime": {"1"}, "unit": {"days"}, "key_type": {"ecdsa-p256"}}, 200},
			{"/certificates/new", url.Values{"common_name": {"a.example.com"}, "profile": {"server"}, "unit": {"days"}, "csr": {"x"}}, 422},
			{one + "/renew", url.Values{"key": {"new"}, "lifetime": {"1"}, "unit": {"days"}}, 200},
			{one + "/renew", url.Values{"key": {"csr"}, "unit": {"days"}, "csr": {"x"}}, 422},
			{one + "/pkcs12", url.Values{"password": {"correct horse"}, "private_key": {"x"}}, 422},
			{"/verify", url.Values{"name": {"shop.example.com"}}, 200},
			{"/verify", url.Values{"certificate": {"x"}}, 422},
			{"/tokens", url.Values{"service": {"shop"}, "lifetime": {"1h0m0s"}}, 200},
			{"/audit/verify", url.Values{"head": {"x"}}, 422},
			{one + "/revoke", url.Values{"reason": {"superseded"}}, 303},
		} {
			for field := range maps.Clone(c.good) {
				for _, bad := range []string{"\x00", "a\x00b", "\xff"} {
					form := maps.Clone(c.good)
					form.Set(field, bad)
					if status := submitTo(t, pages, c.path, form); status != http.StatusUnprocessableEntity {
						t.Errorf("%s with %s %q: %d", c.path, field, bad, status)
					}
				}
			}
			if status := submitTo(t, pages, c.path, c.good); status != c.status {
				t.Errorf("%s as it should be: %d, want %d", c.path, status, c.status)
			}
		}
	})
}

// submitTo posts a form as an administrator, with a fresh id of its own.
func submitTo(t *testing.T, pages http.Handler, path string, form url.Values) int {
	t.Helper()
	kind := "crt"
	if path == "/tokens" {
		kind = "jtk"
	}
	form.Set("as", id.New(kind))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	return w.Code
}
