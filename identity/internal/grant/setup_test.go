package grant_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/id"
	"guildhall/platform/seal"
)

var (
	by   = audit.Caller{Actor: "app_1", From: "192.0.2.7"}
	life = grant.RefreshLife{Idle: 30 * 24 * time.Hour, Absolute: 180 * 24 * time.Hour}
)

// world is one node: a desk and what it stands on, with an account and an
// application of one test alone.
type world struct {
	*grant.Desk
	db       *db.DB
	store    *store.Store
	journal  *audit.Journal
	sessions *session.Desk
	clock    *guildtest.Clock
	key      seal.Key
	log      *buffer

	ann, app string
}

// buffer is a log that many write.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func node(t testing.TB, d *db.DB, key seal.Key, clock *guildtest.Clock) *world {
	t.Helper()
	w := &world{db: d, store: store.New(d), clock: clock, key: key, log: &buffer{}}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	var err error
	w.journal, err = audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "identity", Key: key, Now: clock.Now, Log: log})
	must(t, err)
	w.sessions = &session.Desk{Store: w.store, Journal: w.journal, Log: log, Now: clock.Now}
	w.Desk = grant.New(grant.Options{Store: w.store, Journal: w.journal, Key: key, Sessions: w.sessions, Now: clock.Now, Log: log})
	w.sessions.Ended = w.SessionsEnded
	return w
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	return node(t, d, seal.NewKey("identity"), guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)))
}

// another is a second node on the database of the first; on SQLite, which one
// process has alone, another desk.
func (w *world) another(t testing.TB, url string) *world {
	t.Helper()
	n := node(t, guildtest.Open(t, url, nil), w.key, w.clock)
	n.ann, n.app = w.ann, w.app
	return n
}

// fresh is the world with a new account and application.
func (w *world) fresh(t testing.TB) *world {
	t.Helper()
	n := *w
	n.ann, n.app = n.account(t), n.application(t)
	return &n
}

func (w *world) account(t testing.TB) string {
	t.Helper()
	account := id.New("usr")
	w.exec(t, `INSERT INTO accounts (id, email, email_key, name, language, theme, password, password_set_at, must_change, state, created_at)
		VALUES ($1, $2, $3, '', 'en', '', '', $4, FALSE, 'active', $5)`, account, account, account, db.Micros(w.clock.Now()), db.Micros(w.clock.Now()))
	return account
}

func (w *world) application(t testing.TB) string {
	t.Helper()
	app := id.New("app")
	must(t, w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
		return w.store.InsertClient(t.Context(), tx, &store.Client{ID: app, Name: app, State: "active", Metadata: "{}", MadeAt: w.clock.Now(), ChangedAt: w.clock.Now()})
	}))
	return app
}

func (w *world) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	must(t, w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	}))
}

// rows counts those of a table.
func (w *world) rows(t testing.TB, table string) (n int) {
	t.Helper()
	must(t, w.db.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n))
	return n
}

func (w *world) session(t testing.TB) session.Session {
	t.Helper()
	_, s, err := w.sessions.Start(t.Context(), session.Start{Account: w.ann, Level: session.Strong, Methods: []string{session.MethodPasskey}})
	must(t, err)
	return s
}

// grant is what ann's session allows the application.
func (w *world) grant(s session.Session) grant.Grant {
	return grant.Grant{Account: w.ann, Client: w.app, Session: s.ID, Scopes: oauth.Scopes{"openid", "email"}, Audiences: []string{"https://shop.example"},
		Nonce: "n-1", ACR: oauth.ACRStrong, AMR: []string{"pop", "user"}, AuthTime: s.AuthenticatedAt, Claims: []byte(`{"userinfo":{"email":null}}`)}
}

func (w *world) offline(s session.Session) grant.Grant {
	g := w.grant(s)
	g.Offline = true
	return g
}

// issue begins a grant and redeems its code.
func (w *world) issue(t testing.TB, g grant.Grant) (grant.Grant, string) {
	t.Helper()
	code, _, err := w.IssueCode(t.Context(), g, grant.Code{RedirectURI: "https://a.example/cb"}, by)
	must(t, err)
	g, refresh, err := w.RedeemCode(t.Context(), code, anyCode, life, by)
	must(t, err)
	return g, refresh
}

func anyCode(*grant.Grant, grant.Code) error { return nil }
func anyGrant(grant.Grant) error             { return nil }

func (w *world) refresh(t testing.TB, token string) string {
	t.Helper()
	_, next, err := w.Refresh(t.Context(), token, anyGrant, life, by)
	must(t, err)
	return next
}

func (w *world) refused(t testing.TB, token string) {
	t.Helper()
	if g, next, err := w.Refresh(t.Context(), token, anyGrant, life, by); !errors.Is(err, grant.ErrRefresh) || next != "" || g.ID != "" {
		t.Errorf("refreshed to %+v: %v", g, err)
	}
}

// lives says whether the token is good now.
func (w *world) lives(t testing.TB, token string) bool {
	t.Helper()
	_, _, err := w.ByRefresh(context.Background(), token)
	if err != nil && !errors.Is(err, grant.ErrRefresh) {
		t.Error(err)
	}
	return err == nil
}

// recorded is what the audit log says of the subject, oldest first.
func (w *world) recorded(t testing.TB, subject string) (lines []string) {
	t.Helper()
	page, err := w.journal.Audit.List(t.Context(), audit.Filter{Subject: subject})
	must(t, err)
	for _, r := range slices.Backward(page.Records) {
		lines = append(lines, strings.TrimSpace(r.Actor+" "+r.Action+" "+string(r.Detail)))
	}
	return lines
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs tests on both engines.
func each(t *testing.T, tests map[string]func(*testing.T, *world)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) { test(t, w.fresh(t)) })
		}
	})
}

// strict is the world's desk without a grace window.
func (w *world) strict() *grant.Desk {
	return grant.New(grant.Options{Store: w.store, Journal: w.journal, Key: w.key, Sessions: w.sessions, Now: w.clock.Now,
		Log: slog.New(slog.DiscardHandler), Grace: -1})
}
