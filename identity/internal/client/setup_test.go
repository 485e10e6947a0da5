package client_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/seal"
)

var by = audit.Caller{Actor: "usr_admin", From: "192.0.2.7"}

// world is a desk on a database of its own.
type world struct {
	*client.Desk
	db      *db.DB
	journal *audit.Journal
	clock   *guildtest.Clock

	mu      sync.Mutex
	log     bytes.Buffer
	revoked []string
}

// Write keeps the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{db: d, clock: guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC))}
	log := slog.New(slog.NewTextHandler(w, nil))
	key := seal.NewKey("identity")
	var err error
	w.journal, err = audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "identity", Key: key, Now: w.clock.Now, Log: log})
	must(t, err)
	w.Desk = client.New(client.Options{DB: d, Store: store.New(d), Journal: w.journal, Now: w.clock.Now, Log: log})
	w.OnRevoke = func(ctx context.Context, tx *sql.Tx, id string) error {
		// In the transaction the application is still there.
		if _, err := store.New(d).ClientIn(ctx, tx, id); err != nil {
			return err
		}
		d.AfterCommit(tx, func() { w.revoked = append(w.revoked, id) })
		return nil
	}
	return w
}

// each runs a test on both engines.
func each(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) { test(t, newWorld(t, d)) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// preset is a good application of the kind.
func preset(t testing.TB, kind string) client.Metadata {
	t.Helper()
	m, err := client.Preset(kind)
	must(t, err)
	m.Name = "Shop"
	if m.Allows("authorization_code") {
		m.RedirectURIs = []string{"https://shop.example.org/back"}
	}
	return m
}

func (w *world) create(t testing.TB, m client.Metadata) (client.Client, string) {
	t.Helper()
	c, secret, err := w.Create(t.Context(), m, by)
	must(t, err)
	return c, secret
}

// works says whether there is the application and the secret is good.
func (w *world) works(t testing.TB, id, secret string) bool {
	t.Helper()
	c, right, err := w.GetWith(t.Context(), id, secret)
	if errors.Is(err, client.ErrNotFound) {
		return false
	}
	must(t, err)
	if want, err := w.Get(t.Context(), id); err != nil || !reflect.DeepEqual(c, want) {
		t.Fatalf("with a secret it is %+v, without %+v, %v", c, want, err)
	}
	return right
}

type entry struct {
	Action string
	Detail map[string]any
}

// entries are what the audit log says about a subject, the oldest first.
func (w *world) entries(t testing.TB, subject string) (all []entry) {
	t.Helper()
	page, err := w.journal.Audit.List(t.Context(), audit.Filter{Subject: subject, Limit: audit.MaxLimit})
	must(t, err)
	for _, r := range slices.Backward(page.Records) {
		e := entry{Action: r.Action}
		must(t, json.Unmarshal(r.Detail, &e.Detail))
		all = append(all, e)
	}
	return all
}

func (w *world) actions(t testing.TB, subject string) (all []string) {
	t.Helper()
	for _, e := range w.entries(t, subject) {
		all = append(all, e.Action)
	}
	return all
}

// fields are the names of the wrong fields in err.
func fields(err error) (names []string) {
	for _, f := range fault.As(err).Fields {
		names = append(names, f.Name)
	}
	return names
}
