package identity

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/logout"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/identity/web/locales"
	"guildhall/identity/web/mails"
	"guildhall/platform/app"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
)

// house is identity as the process wires it, with its jobs running, and a server of
// applications that are told of logouts.
type house struct {
	*host
	*service
	queue   *jobs.Queue
	letters chan mail.Letter
	applied *httptest.Server

	mu   sync.Mutex
	told []told
}

// told is what an application, by the path of its address, learned.
type told struct{ Path, Account, Session string }

// Send keeps a letter.
func (h *house) Send(_ context.Context, l mail.Letter) error {
	h.letters <- l
	return nil
}

func openHouse(t *testing.T) *house {
	t.Helper()
	h := &house{letters: make(chan mail.Letter, 20)}
	d := guildtest.Open(t, guildtest.SQLite(t), migrations())
	clock := guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC))
	log := slog.New(slog.DiscardHandler)
	h.applied = httptest.NewTLSServer(http.HandlerFunc(h.learns))
	t.Cleanup(h.applied.Close)
	h.queue = jobs.New(jobs.Options{DB: d, Now: clock.Now})
	ok(t, h.queue.Migrate(t.Context()))
	outbox, err := mail.NewOutbox(mail.Options{Jobs: h.queue, Sender: h, Templates: mails.FS(), From: "no-reply@example.com", Key: seal.NewKey("mail"), Product: "guildhall", Log: log, Now: clock.Now})
	ok(t, err)
	bundle, err := i18n.NewBundle(weblocales.FS(), locales.FS())
	ok(t, err)
	env := app.Env{Name: Name, Dir: t.TempDir(), DB: d, Jobs: h.queue, Mail: outbox, Log: log, Now: clock.Now, Domain: "guild.example.test", Production: true,
		Site: web.NewSite(web.SiteOptions{Bundle: bundle, Log: log, Now: clock.Now}), PublicURL: func(string) string { return issuer }, Roots: roots(h.applied)}
	h.service, err = open(t.Context(), env, DefaultConfig())
	ok(t, err)
	served := h.service.service(env)
	mux := http.NewServeMux()
	served.Pages(mux)
	h.host = &host{World: &identitytest.World{DB: d, Clock: clock}, site: httptest.NewServer(env.Site.Wrap(served.Shell.Handler(mux), served.CrossOrigin...))}
	t.Cleanup(h.site.Close)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.queue.Run(ctx) }()
	t.Cleanup(func() { cancel(); ok(t, <-done) })
	return h
}

func roots(s *httptest.Server) func() *x509.CertPool {
	return func() *x509.CertPool {
		pool := x509.NewCertPool()
		pool.AddCert(s.Certificate())
		return pool
	}
}

// learns checks a logout token as an application does, and notes what it says.
func (h *house) learns(w http.ResponseWriter, r *http.Request) {
	token, err := h.keys.Verify(r.Context(), r.PostFormValue("logout_token"))
	var said struct{ Sub, Sid string }
	if err != nil || r.Method != http.MethodPost || token.Type != mint.TypeLogout || json.Unmarshal(token.Payload, &said) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, told{r.URL.Path, said.Sub, said.Sid})
	w.WriteHeader(http.StatusNoContent)
}

// code is that of the next letter that has one.
func (h *house) code(t *testing.T) string {
	t.Helper()
	for {
		select {
		case l := <-h.letters:
			if found := regexp.MustCompile(`\b\d{6}\b`).FindString(l.Text); found != "" {
				return found
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no letter with a code came")
		}
	}
}

func (h *house) person(t *testing.T, email string) *account.Account {
	t.Helper()
	id, err := h.accounts.Register(t.Context(), account.RegisterRequest{Email: email, Name: "Anna Nowak", Password: identitytest.Password, Language: "en", By: identitytest.By})
	ok(t, err)
	a, err := h.accounts.Activate(t.Context(), id, h.code(t), identitytest.By)
	ok(t, err)
	return a
}

// application is one whose address for logouts ends in the path.
func (h *house) application(t *testing.T, path string, which bool) client.Client {
	t.Helper()
	m, err := client.Preset(client.Web)
	ok(t, err)
	m.Name, m.RedirectURIs, m.PostLogoutURIs = "Paper & Ink", []string{callback}, []string{"https://shop.example/bye"}
	if path != "" {
		m.BackchannelLogoutURI, m.BackchannelSession = h.applied.URL+path, which
	}
	c, _, err := h.clients.Create(t.Context(), m, identitytest.By)
	ok(t, err)
	return c
}

// session is the browser's.
func (h *house) session(t *testing.T, b *browser) session.Session {
	t.Helper()
	s, err := h.sessions.Find(t.Context(), b.cookies[sessionCookie].Value)
	ok(t, err)
	return s
}

// uses signs the browser's person in to an application and returns the ID token.
func (h *house) uses(t *testing.T, b *browser, c client.Client) string {
	t.Helper()
	s := h.session(t, b)
	g, _, err := h.grants.Issue(t.Context(), grant.Grant{Account: s.Account, Client: c.ID, Session: s.ID, Scopes: oauth.Scopes{oauth.ScopeOpenID}},
		grant.RefreshLife{Idle: time.Hour, Absolute: time.Hour}, identitytest.By)
	ok(t, err)
	token, err := (&mint.Minter{Signing: h.keys, Accounts: h.accounts, Issuer: issuer, Now: h.Clock.Now}).IDToken(t.Context(), g, c, "", "")
	ok(t, err)
	return token
}

// learned waits until all that there is to tell is told, and returns it sorted.
func (h *house) learned(t *testing.T) []told {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		all, err := h.queue.List(t.Context(), jobs.Filter{Kind: logout.Job, Limit: 100})
		ok(t, err)
		if !slices.ContainsFunc(all, func(j jobs.Job) bool { return j.State != jobs.Done }) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not told: %+v", all)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.SortFunc(h.told, func(a, b told) int { return slices.Compare([]string{a.Path, a.Session}, []string{b.Path, b.Session}) })
	return slices.Clone(h.told)
}
