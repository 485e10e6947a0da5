// Package licensetest is license in a working state for tests: a real database, a real
// audit log, and machines that come with cards.
package licensetest

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"guildhall/license/internal/alarm"
	"guildhall/license/internal/call"
	"guildhall/license/internal/card"
	"guildhall/license/internal/cardid"
	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/file"
	"guildhall/license/internal/function"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/blob"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// By is the caller that tests act as.
var By = audit.Caller{Actor: "usr_tester", From: "192.0.2.7"}

const (
	// Product is the code of the product of a new world.
	Product = "mill"
	// Version is that of its release.
	Version = "1.0"
)

// World is license and what it stands on. Its queue does not run.
type World struct {
	DB        *db.DB
	Clock     *guildtest.Clock
	Key       seal.Key
	Store     *store.Store
	Journal   *audit.Journal
	Jobs      *jobs.Queue
	Catalogue *catalogue.Desk
	Functions *function.Desk
	Cards     *card.Desk
	Blobs     blob.Store
	Files     *file.Desk
	Calls     *call.Service
	Alarms    *alarm.Desk
	// Letters are the letters about alarms.
	Letters []mail.Message
}

// Engines runs the suite on both engines.
func Engines(t *testing.T, suite func(t *testing.T, d *db.DB)) {
	t.Helper()
	guildtest.Engines(t, os.DirFS("../../migrations"), suite)
}

// New opens license on a database that has its migrations, with a product that has a
// release.
func New(t testing.TB, d *db.DB) *World {
	t.Helper()
	w := Node(t, d, seal.NewKey("license"), guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)))
	_, err := w.Catalogue.CreateProduct(t.Context(), Product, "The mill", "", By)
	must(t, err)
	_, err = w.Catalogue.CreateRelease(t.Context(), Product, Version, "", By)
	must(t, err)
	return w
}

// Node is another node on a database, or its next life.
func Node(t testing.TB, d *db.DB, key seal.Key, clock *guildtest.Clock) *World {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	w := &World{DB: d, Clock: clock, Key: key, Store: store.New(d), Jobs: jobs.New(jobs.Options{DB: d, Now: clock.Now, Log: log})}
	must(t, w.Jobs.Migrate(t.Context()))
	var err error
	w.Journal, err = audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "license", Key: key, Now: clock.Now, Log: log, Begun: w.Store.Begun})
	must(t, err)
	w.Catalogue = &catalogue.Desk{Store: w.Store, Journal: w.Journal, Key: key, Now: clock.Now, Made: func(context.Context, *sql.Tx, store.Product) error { return nil }}
	w.Cards = card.New(card.Options{Store: w.Store, Journal: w.Journal, Jobs: w.Jobs, Key: key, Now: clock.Now})
	w.Alarms = &alarm.Desk{Store: w.Store, Journal: w.Journal, To: []string{"desk@vendor.example"}, URL: "https://license.example.test/alarms", Now: clock.Now,
		Mail: func(_ context.Context, _ *sql.Tx, m mail.Message) error { w.Letters = append(w.Letters, m); return nil }}
	box, err := sandbox.New(t.Context(), sandbox.Options{Wait: time.Hour, Now: clock.Now})
	must(t, err)
	t.Cleanup(func() { must(t, box.Close(context.Background())) })
	w.Functions = &function.Desk{Store: w.Store, Journal: w.Journal, Sandbox: box, Now: clock.Now}
	var drafts blob.Drafts
	w.Blobs, drafts, err = blob.Config{}.Open(t.TempDir(), clock.Now)
	must(t, err)
	w.Files = file.New(file.Options{Store: w.Store, Journal: w.Journal, Blobs: w.Blobs, Drafts: drafts, Most: 1 << 20, Key: key, Now: clock.Now})
	w.Calls = call.New(call.Options{Store: w.Store, Journal: w.Journal, Catalogue: w.Catalogue, Functions: w.Functions, Files: w.Files, Now: clock.Now, Log: log, Raise: w.Alarms.Raise})
	return w
}

// Policy makes a policy that differs from the default one, and is its id.
func (w *World) Policy(t testing.TB, name string, differs func(*policy.Policy)) string {
	t.Helper()
	rules := policy.Default()
	if differs != nil {
		differs(&rules)
	}
	p, err := w.Catalogue.CreatePolicy(t.Context(), Product, name, rules, By)
	must(t, err)
	return p.ID
}

// Keys orders cards, exports them, and is their keys.
func (w *World) Keys(t testing.TB, o card.Order) []string {
	t.Helper()
	b, err := w.Cards.Order(t.Context(), o, By)
	must(t, err)
	exported, err := w.Cards.Export(t.Context(), b.ID, By)
	must(t, err)
	keys := make([]string, len(exported))
	for i, k := range exported {
		keys[i] = k.Key
	}
	return keys
}

// CardKey is the key of a new card under a new policy that differs from the default one.
func (w *World) CardKey(t testing.TB, differs func(*policy.Policy)) string {
	t.Helper()
	return w.Keys(t, card.Order{Policy: w.Policy(t, string(cardid.New()), differs), Count: 1})[0]
}

// Card is the card with the key.
func (w *World) Card(t testing.TB, key string) store.Card {
	t.Helper()
	id, err := cardid.Parse(key)
	must(t, err)
	c, err := w.Store.CardOfKey(t.Context(), id.Hash())
	must(t, err)
	return c
}

// Events are those of the card with the key, and of the kinds if any are given, the
// first first.
func (w *World) Events(t testing.TB, key string, kinds ...string) []store.Event {
	t.Helper()
	all, _, err := w.Store.Events(t.Context(), store.EventQuery{Card: w.Card(t, key).ID, Limit: 10_000})
	must(t, err)
	slices.Reverse(all)
	return slices.DeleteFunc(all, func(e store.Event) bool { return len(kinds) > 0 && !slices.Contains(kinds, e.Kind) })
}

// Actions are the actions of the audit log, oldest first.
func (w *World) Actions(t testing.TB) []string {
	t.Helper()
	page, err := w.Journal.Audit.List(t.Context(), audit.Filter{Limit: audit.MaxLimit})
	must(t, err)
	var actions []string
	for _, r := range slices.Backward(page.Records) {
		actions = append(actions, r.Action)
	}
	return actions
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
