package logout_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/logout"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/signing"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

const (
	issuer = "https://identity.guild.example.test"
	back   = "https://shop.example/bye"
	told   = "https://shop.example/told"
)

// world is a desk and what it stands on. Its jobs run at once, but for what the
// clock keeps waiting.
type world struct {
	*logout.Desk
	*identitytest.World
	clients  *client.Desk
	grants   *grant.Desk
	sessions *session.Desk
	minter   *mint.Minter
	queue    *jobs.Queue
	ann      string

	mu   sync.Mutex
	fail error
	sent []message
}

// message is what an application was told.
type message struct{ URI, Token string }

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{World: identitytest.New(t, d)}
	log := slog.New(slog.DiscardHandler)
	keys := signing.New(signing.Options{Store: w.Store, Journal: w.Journal, Key: w.Key, Now: w.Clock.Now, Log: log})
	must(t, keys.Start(t.Context()))
	w.clients = client.New(client.Options{DB: d, Store: w.Store, Journal: w.Journal, Now: w.Clock.Now, Log: log})
	w.sessions = &session.Desk{Store: w.Store, Journal: w.Journal, Log: log, Now: w.Clock.Now}
	w.grants = grant.New(grant.Options{Store: w.Store, Journal: w.Journal, Key: w.Key, Sessions: w.sessions, Now: w.Clock.Now, Log: log})
	w.minter = &mint.Minter{Signing: keys, Accounts: w.Accounts, Issuer: issuer, Now: w.Clock.Now}
	w.queue = jobs.New(jobs.Options{DB: d, Now: w.Clock.Now, Poll: 20 * time.Millisecond})
	w.Desk = logout.New(logout.Options{Clients: w.clients, Grants: w.grants, Minter: w.minter, Jobs: w.queue, Key: w.Key, Post: w.post, Now: w.Clock.Now})
	w.clients.OnRevoke = w.grants.ClientEnded
	w.sessions.Ended = func(ctx context.Context, tx *sql.Tx, e session.Ended) error {
		if err := w.SessionsEnded(ctx, tx, e); err != nil {
			return err
		}
		return w.grants.SessionsEnded(ctx, tx, e)
	}
	w.ann = w.Account(t, "ann@example.com").ID
	return w
}

// each runs a test on both engines.
func each(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) { test(t, newWorld(t, d)) })
}

// runs lets the jobs run until the test ends.
func (w *world) runs(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.queue.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})
}

var errAway = errors.New("the application is away")

func (w *world) post(_ context.Context, uri, token string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, message{uri, token})
	return w.fail
}

func (w *world) away(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

func (w *world) messages() []message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]message(nil), w.sent...)
}

// application is one that is told of logouts at told, unless change says else.
func (w *world) application(t testing.TB, change func(*client.Metadata)) client.Client {
	t.Helper()
	m, err := client.Preset(client.Web)
	must(t, err)
	m.Name, m.RedirectURIs = "Shop", []string{"https://shop.example/back"}
	m.PostLogoutURIs = []string{back, "https://shop.example/bye?from=here"}
	m.BackchannelLogoutURI, m.BackchannelSession = told, true
	if change != nil {
		change(&m)
	}
	c, _, err := w.clients.Create(t.Context(), m, identitytest.By)
	must(t, err)
	return c
}

func (w *world) session(t testing.TB, account string) session.Session {
	t.Helper()
	_, s, err := w.sessions.Start(t.Context(), session.Start{Account: account, Level: session.Password, Methods: []string{session.MethodPassword}})
	must(t, err)
	return s
}

// signsIn begins a grant of the client in the session.
func (w *world) signsIn(t testing.TB, s session.Session, c client.Client) grant.Grant {
	t.Helper()
	g, _, err := w.grants.Issue(t.Context(), grant.Grant{Account: s.Account, Client: c.ID, Session: s.ID, Scopes: oauth.Scopes{oauth.ScopeOpenID}},
		grant.RefreshLife{Idle: time.Hour, Absolute: 24 * time.Hour}, identitytest.By)
	must(t, err)
	return g
}

// jobs are those about logouts in the state, all with an empty one.
func (w *world) jobs(t testing.TB, state jobs.State) []jobs.Job {
	t.Helper()
	all, err := w.queue.List(t.Context(), jobs.Filter{Kind: logout.Job, State: state, Limit: 1000})
	must(t, err)
	return all
}

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
