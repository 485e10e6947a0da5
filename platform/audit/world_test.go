package audit

import (
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// world is a log in a fresh database, with a clock.
type world struct {
	t     testing.TB
	db    *db.DB
	log   *Log
	clock *guildtest.Clock
}

// engines runs the suite on both engines.
func engines(t *testing.T, suite func(t *testing.T, w *world)) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) { suite(t, newWorld(t, d)) })
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, clock: guildtest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC))}
	w.log = w.reopen()
	if err := w.log.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// reopen is the log as another process sees it.
func (w *world) reopen() *Log {
	w.t.Helper()
	l, err := New(Options{DB: w.db, Name: "test.example/audit", Key: ed25519.NewKeyFromSeed(make([]byte, 32)), Now: w.clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// append records n entries, each in a transaction of its own.
func (w *world) append(n int) {
	w.t.Helper()
	for range n {
		w.clock.Advance(time.Second)
		w.record(w.log, Entry{Actor: "adm_1", Action: "thing.made", Subject: "thing", From: "192.0.2.1", Detail: map[string]any{"n": n}})
	}
}

func (w *world) record(l *Log, entries ...Entry) {
	w.t.Helper()
	err := w.db.WithTx(w.t.Context(), func(tx *sql.Tx) error { return l.Append(w.t.Context(), tx, entries...) })
	if err != nil {
		w.t.Fatal(err)
	}
}

// exec changes the database behind the log's back.
func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	err := w.db.WithTx(w.t.Context(), func(tx *sql.Tx) error {
		res, err := tx.ExecContext(w.t.Context(), query, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("%s: no row was changed", query))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) head() Head {
	w.t.Helper()
	h, err := w.log.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// verify fails the test unless the findings are those wanted, each as
// Problem.String writes it without its text: "row 3 changed".
func (w *world) verify(kept []Head, want ...string) Report {
	w.t.Helper()
	report, err := w.reopen().Verify(w.t.Context(), kept...)
	if err != nil {
		w.t.Fatal(err)
	}
	compare(w.t, report, want)
	return report
}

func compare(t testing.TB, report Report, want []string) {
	t.Helper()
	ok := len(report.Problems) == len(want) && report.Count == len(want) && report.OK() == (len(want) == 0)
	for i := 0; ok && i < len(want); i++ {
		p := report.Problems[i]
		p.Text = ""
		ok = p.String() == want[i]+": "
	}
	if !ok {
		t.Fatalf("found %v\nwanted %v", report.Problems, want)
	}
}
