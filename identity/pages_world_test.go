package identity

import (
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/avatar"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/device"
	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/logout"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/signing"
	"guildhall/identity/web/locales"
	"guildhall/platform/app"
	applocales "guildhall/platform/app/locales"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
)

// host is working pages, open for browsers.
type host struct {
	*identitytest.World
	pages *pages
	site  *httptest.Server
}

// nobody is exempt from limits.
func nobody(string) bool { return false }

func openHost(t *testing.T) *host {
	t.Helper()
	w := identitytest.New(t, guildtest.Open(t, guildtest.SQLite(t), migrations()))
	log := slog.New(slog.DiscardHandler)
	sessions := &session.Desk{Store: w.Store, Journal: w.Journal, Log: log, Now: w.Clock.Now}
	factors, err := factor.New(factor.Options{Store: w.Store, Journal: w.Journal, Gate: w.Gate, Sessions: sessions, Key: w.Key, Domain: "guild.example.test",
		Origin: "https://identity.guild.example.test", Product: "guildhall", Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := i18n.NewBundle(weblocales.FS(), applocales.FS(), locales.FS())
	if err != nil {
		t.Fatal(err)
	}
	site := web.NewSite(web.SiteOptions{Bundle: bundle, Log: log, Now: w.Clock.Now, Roles: map[string]string{role.Viewer: "identity.role.viewer"}})
	o := pageOptions{Site: site, Accounts: w.Accounts, Factors: factors, Pictures: avatar.New(), Now: w.Clock.Now, Log: log, Fresh: 15 * time.Minute, Open: true,
		Sessions: sessions}
	o.RoleList = []app.Role{{Name: role.Admin, Key: "identity.role.admin"}, {Name: role.Viewer, Key: "identity.role.viewer"}, {Name: "ca.admin", Key: "ca.role.admin"}}
	o.Groups = &group.Desk{Store: w.Store, Journal: w.Journal, Now: w.Clock.Now}
	o.Roles = role.New(role.Options{Store: w.Store, Journal: w.Journal, Known: roleNames(o.RoleList), Now: w.Clock.Now})
	o.Directory, _ = w.Directory(nil)
	o.Audit = w.Journal.Audit
	o.Forms = &forms{w.DB, w.Store, w.Clock.Now}
	o.Letters = &letters{Outbox: w.Outbox(t), Journal: w.Journal}
	o.Begins = newBeginnings(app.Env{Now: w.Clock.Now, Exempt: nobody})
	provide(t, w, &o)
	h := &host{World: w, pages: newPages(o)}
	mux := http.NewServeMux()
	h.pages.Mount(mux)
	h.site = httptest.NewServer(site.Wrap(h.pages.identify(h.pages.Shell().Handler(mux)), crossOrigin()...))
	t.Cleanup(h.site.Close)
	return h
}

// provide adds the parts of the provider.
func provide(t *testing.T, w *identitytest.World, o *pageOptions) {
	t.Helper()
	const issuer = "https://identity.guild.example.test"
	log := slog.New(slog.DiscardHandler)
	keys := signing.New(signing.Options{Store: w.Store, Journal: w.Journal, Key: w.Key, Now: w.Clock.Now, Log: log})
	if err := keys.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.Keys = keys
	o.Clients = client.New(client.Options{DB: w.DB, Store: w.Store, Journal: w.Journal, Now: w.Clock.Now, Log: log})
	o.Grants = grant.New(grant.Options{Store: w.Store, Journal: w.Journal, Key: w.Key, Sessions: o.Sessions, Now: w.Clock.Now, Log: log})
	minter := &mint.Minter{Signing: keys, Accounts: w.Accounts, Issuer: issuer, Now: w.Clock.Now}
	o.Logout = logout.New(logout.Options{Clients: o.Clients, Grants: o.Grants, Minter: minter, Jobs: w.Jobs, Key: w.Key, Now: w.Clock.Now})
	o.Clients.OnRevoke = o.Grants.ClientEnded
	o.Sessions.Ended = (&service{logout: o.Logout, grants: o.Grants}).sessionsEnded
	o.Devices = device.New(device.Options{DB: w.DB, Store: w.Store, Journal: w.Journal, Grants: o.Grants, Gate: w.Gate, Key: w.Key, Now: w.Clock.Now, Log: log})
	o.Authorize = authorize.New(authorize.Options{DB: w.DB, Store: w.Store, Journal: w.Journal, Clients: o.Clients, Grants: o.Grants, Issuer: issuer,
		Minter: minter, Now: w.Clock.Now, Log: log})
}

// browser has cookies and no JavaScript.
type browser struct {
	*host
	cookies map[string]*http.Cookie
	// comes is what it says of the page that a request comes from; empty: nothing.
	comes string
}

func (h *host) browser() *browser { return &browser{host: h, cookies: map[string]*http.Cookie{}} }

// must changes the database.
func (h *host) must(t *testing.T, statement string) {
	t.Helper()
	err := h.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// signedIn is a browser in which the account is signed in.
func (h *host) signedIn(t *testing.T, a *account.Account) *browser {
	t.Helper()
	b := h.browser()
	b.send(t, "/sign-in", "email", a.Email, "password", identitytest.Password).leadsTo(t, "/")
	return b
}

// ownerIn is who sets up second factors in a session of his own.
func ownerIn(t testing.TB, sessions *session.Desk, a *account.Account) factor.Owner {
	t.Helper()
	_, s, err := sessions.Start(t.Context(), session.Start{Account: a.ID, Level: session.Password, Methods: []string{session.MethodPassword}})
	if err != nil {
		t.Fatal(err)
	}
	return factor.Owner{Account: a.ID, Email: a.Email, Name: a.Name, Session: s.ID}
}

// answer is what came back, with the body read.
type answer struct {
	*http.Response
	Text string
}

func (b *browser) do(t *testing.T, method, path string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.site.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.comes != "" {
		r.Header.Set("Sec-Fetch-Site", b.comes)
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
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
	for _, c := range res.Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer{res, string(text)}
}

func (b *browser) get(t *testing.T, path string) answer {
	t.Helper()
	return b.do(t, http.MethodGet, path, nil)
}

// send sends a form of name, value, name, value.
func (b *browser) send(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do(t, http.MethodPost, path, form)
}

func (a answer) leadsTo(t *testing.T, path string) {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != path {
		t.Fatalf("%s: status %d, leads to %q, want %q:\n%s", a.Request.URL, a.StatusCode, a.Header.Get("Location"), path, a.main())
	}
}

// wants fails the test unless the answer has the status and holds every text.
func (a answer) wants(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s: status %d, want %d, leads to %q:\n%s", a.Request.URL, a.StatusCode, status, a.Header.Get("Location"), a.main())
	}
	for _, text := range texts {
		if !strings.Contains(a.Text, text) {
			t.Errorf("%s: %q is not in the page:\n%s", a.Request.URL, text, a.main())
		}
	}
}

// main is the page without its frame.
func (a answer) main() string {
	_, rest, _ := strings.Cut(a.Text, "<main")
	text, _, _ := strings.Cut(rest, "</main>")
	return text
}

// find is the first group of the pattern in the page.
func (a answer) find(t *testing.T, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(a.Text)
	if match == nil {
		t.Fatalf("%s: nothing matches %s:\n%s", a.Request.URL, pattern, a.main())
	}
	return match[1]
}
