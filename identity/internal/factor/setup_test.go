package factor_test

import (
	"database/sql"
	"encoding/base32"
	"fmt"
	"log/slog"
	"math"
	mrand "math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/id"
	"guildhall/platform/seal"
)

const (
	domain = "guildhall.localhost"
	origin = "https://identity.guildhall.localhost:8443"
)

// world is a desk on a database of its own.
type world struct {
	*factor.Desk
	db      *db.DB
	journal *audit.Journal
	gate    *throttle.Gate
	store   *store.Store
	key     seal.Key
	clock   *guildtest.Clock
	// ann and bob are accounts of one test alone.
	ann, bob string
	by       audit.Caller
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{db: d, store: store.New(d), key: seal.NewKey("identity"), clock: guildtest.NewClock(time.Date(2026, 3, 1, 12, 0, 10, 0, time.UTC))}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	var err error
	w.journal, err = audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "identity", Key: w.key, Now: w.clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	w.gate = throttle.New(throttle.Options{DB: d, Store: w.store, Journal: w.journal, Key: w.key.Derive("attempts"), Now: w.clock.Now, Log: log})
	w.Desk = w.desk(t, w.clock)
	return w
}

// desk is another node, with a clock of its own.
func (w *world) desk(t testing.TB, clock *guildtest.Clock) *factor.Desk {
	t.Helper()
	sessions := &session.Desk{Store: w.store, Journal: w.journal, Log: slog.New(slog.DiscardHandler), Now: clock.Now}
	d, err := factor.New(factor.Options{Store: w.store, Journal: w.journal, Gate: w.gate, Sessions: sessions, Key: w.key, Domain: domain, Origin: origin,
		Product: "guildhall", Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// each runs the tests on both engines, each with accounts of its own.
func each(t *testing.T, tests map[string]func(*testing.T, *world)) {
	t.Helper()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) { test(t, w.fresh(t)) })
		}
	})
}

// fresh is the world with two new accounts, who are signed in in sessions of the same
// ids and come from an address that has
// guessed nothing yet.
func (w *world) fresh(t testing.TB) *world {
	t.Helper()
	n := *w
	n.ann, n.bob = id.New("usr"), id.New("usr")
	n.by = audit.Caller{Actor: n.ann, From: fmt.Sprintf("2001:db8:%x:%x::1", mrand.Uint32()>>16, mrand.Uint32()>>16)}
	for _, account := range []string{n.ann, n.bob} {
		n.exec(t, `INSERT INTO accounts (id, email, email_key, name, language, theme, password, password_set_at, must_change, state, created_at)
			VALUES ($1, $2, $3, '', 'en', '', '', 0, FALSE, 'active', 0)`, account, account, account)
		n.exec(t, `INSERT INTO sessions (id, account, hash, level, methods, made_at, seen_at, authenticated_at, idle_until, ends_at, user_agent, from_ip)
			VALUES ($1, $2, $3, 2, 'pwd', 0, 0, 0, $4, $5, '', '')`, account, account, []byte(account), int64(math.MaxInt64), int64(math.MaxInt64))
	}
	return &n
}

// in is an account in its session.
func in(account string) factor.Owner {
	return factor.Owner{Account: account, Email: "ann@example.com", Session: account}
}

func (w *world) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	err := w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) has(t *testing.T, account string) factor.Factors {
	t.Helper()
	f, err := w.Has(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// actions are what the audit log says about a subject, the newest first.
func (w *world) actions(t *testing.T, subject string) (actions []string) {
	t.Helper()
	page, err := w.journal.Audit.List(t.Context(), audit.Filter{Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		actions = append(actions, r.Action)
	}
	return actions
}

// phone is an authenticator app.
type phone struct{ secret string }

func phoneOf(e factor.Enrolment) phone { return phone{strings.ReplaceAll(e.Secret, " ", "")} }

// shows is the code that the phone shows at a moment.
func (p phone) shows(t testing.TB, at time.Time) string {
	t.Helper()
	if _, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(p.secret); err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(p.secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrol sets up an authenticator and waits until its first code is over.
func (w *world) enrol(t *testing.T, account string) phone {
	t.Helper()
	e, err := w.BeginTOTP(t.Context(), in(account))
	if err != nil {
		t.Fatal(err)
	}
	p := phoneOf(e)
	if err := w.ConfirmTOTP(t.Context(), in(account), p.shows(t, w.clock.Now()), w.by); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	return p
}
