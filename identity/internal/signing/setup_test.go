package signing_test

import (
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"guildhall/identity/internal/signing"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/seal"
)

var by = audit.Caller{Actor: "usr_admin", From: "192.0.2.7"}

// world is a database with one node's desk, which has not started.
type world struct {
	*signing.Desk
	db      *db.DB
	journal *audit.Journal
	key     seal.Key
	clock   *guildtest.Clock
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{db: d, key: seal.NewKey("identity"), clock: guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC))}
	var err error
	w.journal, err = audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "identity", Key: w.key, Now: w.clock.Now, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	w.Desk = w.node(w.clock, w.key)
	return w
}

// node is another node's desk.
func (w *world) node(clock *guildtest.Clock, key seal.Key) *signing.Desk {
	return signing.New(signing.Options{Store: store.New(w.db), Journal: w.journal, Key: key, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
}

// each runs a test on both engines.
func each(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) { test(t, newWorld(t, d)) })
}

// started is a world on SQLite whose keys are made.
func started(t testing.TB) *world {
	t.Helper()
	d := guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations"))
	w := newWorld(t, d)
	must(t, w.Start(t.Context()))
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sign(t testing.TB, d *signing.Desk, algorithm string) string {
	t.Helper()
	token, err := d.Sign(t.Context(), algorithm, "at+jwt", map[string]any{"sub": "usr_1"})
	must(t, err)
	return token
}

func good(t testing.TB, d *signing.Desk, token, when string) {
	t.Helper()
	got, err := d.Verify(t.Context(), token)
	if err != nil || got.Type != "at+jwt" || string(got.Payload) != `{"sub":"usr_1"}` {
		t.Fatalf("%s: %+v, %v", when, got, err)
	}
}

func bad(t testing.TB, d *signing.Desk, token, when string) {
	t.Helper()
	if got, err := d.Verify(t.Context(), token); !errors.Is(err, signing.ErrToken) || got.Payload != nil {
		t.Fatalf("%s: %+v, %v", when, got, err)
	}
}

func list(t testing.TB, d *signing.Desk) []signing.Key {
	t.Helper()
	all, err := d.List(t.Context())
	must(t, err)
	return all
}

// states are the states of an algorithm's keys, the oldest first.
func states(t testing.TB, d *signing.Desk, algorithm string) (all []signing.State) {
	t.Helper()
	for _, k := range list(t, d) {
		if k.Algorithm == algorithm {
			all = append(all, k.State)
		}
	}
	return all
}

// actions counts the entries of the audit log with an action.
func (w *world) actions(t testing.TB, action string) int {
	t.Helper()
	page, err := w.journal.Audit.List(t.Context(), audit.Filter{Action: action, Limit: audit.MaxLimit})
	must(t, err)
	return len(page.Records)
}
