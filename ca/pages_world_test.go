package ca

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
	"guildhall/ca/internal/token"
	"guildhall/ca/web/locales"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
)

// visitor is a browser without JavaScript, in front of the pages of a working
// authority.
type visitor struct {
	*authority
	site *httptest.Server
	mux  *http.ServeMux
	log  *bytes.Buffer
	// Lang is what it asks for; Anonymous keeps its token back; Role is what it has
	// instead, and Shown how long ago he showed who he is.
	Lang      string
	Anonymous bool
	Role      string
	Shown     time.Duration
}

func visit(t *testing.T) *visitor {
	t.Helper()
	v := &visitor{authority: openAuthority(t, guildtest.Open(t, guildtest.SQLite(t), migrations()), t.TempDir(), DefaultConfig()), log: &bytes.Buffer{}, Lang: "en"}
	bundle, err := i18n.NewBundle(weblocales.FS(), locales.FS())
	if err != nil {
		t.Fatal(err)
	}
	site := web.NewSite(web.SiteOptions{Bundle: bundle, Log: slog.New(slog.NewTextHandler(v.log, nil)), Now: time.Now, May: may})
	p := newPages(pageOptions{Site: site, Certificates: v.certificates, Tokens: v.tokens, Lists: v.lists, Audit: v.audit,
		PublicURL: "https://ca.guild.example.test", InternalURL: "https://ca.guild.example.test:8444"})
	v.mux = http.NewServeMux()
	p.Mount(v.mux)
	v.site = httptest.NewServer(site.Wrap(asAdministrator(p.Shell().Handler(v.mux))))
	t.Cleanup(v.site.Close)
	return v
}

// answer is what came back, with the body read.
type answer struct {
	*http.Response
	Text string
}

func (v *visitor) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", v.Lang)
	if v.Role != "" {
		r.Header.Set(roleHeader, v.Role)
		r.Header.Set(shownHeader, v.Shown.String())
	} else if !v.Anonymous {
		r.Header.Set("Authorization", "Bearer "+testToken)
	}
	res, err := http.DefaultTransport.RoundTrip(r) // redirects are looked at, not followed
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{Response: res, Text: string(text)}
}

func (v *visitor) get(t *testing.T, path string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.site.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v.do(t, r)
}

// submit sends a form of name, value, name, value. Unless they name one, it
// brings a fresh id, as the pages give it to the forms that make something.
func (v *visitor) submit(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	form := url.Values{"as": {certificate.NewID()}}
	if path == "/tokens" {
		form.Set("as", token.NewID())
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.site.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(t, r)
}

// follow opens where a redirect leads, with the message that it brought.
func (v *visitor) follow(t *testing.T, a answer) answer {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, want a redirect:\n%s", a.StatusCode, a.Text)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.site.URL+a.Header.Get("Location"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range a.Cookies() {
		r.AddCookie(c)
	}
	return v.do(t, r)
}

// wants fails the test unless the answer has the status and holds every text.
func (a answer) wants(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s: status %d, want %d:\n%s", a.Request.URL.Path, a.StatusCode, status, a.Text)
	}
	for _, text := range texts {
		if !strings.Contains(a.Text, text) {
			t.Errorf("%s: %q is not in the page:\n%s", a.Request.URL.Path, text, a.main())
		}
	}
}

// main is the page without its frame, for messages.
func (a answer) main() string {
	_, rest, _ := strings.Cut(a.Text, "<main")
	text, _, _ := strings.Cut(rest, "</main>")
	return text
}

// issued is a certificate to look at.
func (v *visitor) issued(t *testing.T, r certificate.IssueRequest) *store.Record {
	t.Helper()
	r.By = catest.Admin
	done, err := v.certificates.Issue(t.Context(), r)
	ok(t, err)
	return done.Record
}

// find is the first group of the pattern in the page.
func (a answer) find(t *testing.T, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(a.Text)
	if match == nil {
		t.Fatalf("%s: nothing matches %s:\n%s", a.Request.URL.Path, pattern, a.main())
	}
	return match[1]
}
