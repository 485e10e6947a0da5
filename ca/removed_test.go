package ca

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"guildhall/platform/app"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/session"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
)

// Somebody whose role is taken away between the head and the body of a request does
// nothing any more, neither by the pages nor by the API.
func TestNoRequestOutlivesTheRoleOfItsSender(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.operations(app.NewAPI(v.mux, "ca", "test", "https://ca.guild.example.test", slog.New(slog.DiscardHandler)))
	bundle, err := i18n.NewBundle(weblocales.FS())
	if err != nil {
		t.Fatal(err)
	}
	var role atomic.Value
	site := web.NewSite(web.SiteOptions{Bundle: bundle, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(site.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := session.Principal{ID: "break-glass:test", Name: "Anna", Roles: []string{role.Load().(string)}}
		v.mux.ServeHTTP(w, r.WithContext(session.With(r.Context(), p)))
	})))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		path, kind, body string
		done             int
	}{
		{"/audit/verify", "application/x-www-form-urlencoded", url.Values{"head": {""}}.Encode(), http.StatusOK},
		{"/api/v1/join-tokens", "application/json", `{"service":"bank"}`, http.StatusCreated},
	} {
		for after, want := range map[string]int{adminRole: c.done, viewerRole: http.StatusForbidden} {
			role.Store(adminRole)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", c.kind)
			got := guildtest.Slowly(t, &http.Transport{}, r, c.body, func() error {
				role.Store(after)
				return nil
			})
			if got.StatusCode != want {
				t.Errorf("%s, by then %s: status %d, want %d", c.path, after, got.StatusCode, want)
			}
		}
	}
}
