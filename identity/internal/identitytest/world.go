// Package identitytest is identity in a working state for tests: a real
// database, a real audit log, and a mailbox in memory.
package identitytest

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/password"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
	"guildhall/platform/limit"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// By is the caller that tests act as.
var By = audit.Caller{From: "192.0.2.7"}

// Password is a good one.
const Password = "correct horse battery"

// World is identity and what it stands on. Its queue does not run: Deliver does
// what its jobs would.
type World struct {
	DB       *db.DB
	Clock    *guildtest.Clock
	Key      seal.Key
	Store    *store.Store
	Journal  *audit.Journal
	Gate     *throttle.Gate
	Hasher   *password.Hasher
	Jobs     *jobs.Queue
	Accounts *account.Service

	mu      sync.Mutex
	letters []mail.Message
	ended   []string
}

// New opens identity on a database that has its migrations.
func New(t testing.TB, d *db.DB) *World {
	t.Helper()
	return Node(t, d, seal.NewKey("identity"), guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)))
}

// Node is New with a key and a clock: another node on the database of the first,
// or its next life.
func Node(t testing.TB, d *db.DB, key seal.Key, clock *guildtest.Clock) *World {
	t.Helper()
	w := &World{DB: d, Clock: clock, Key: key, Store: store.New(d), Hasher: password.New(password.Options{})}
	w.Jobs = jobs.New(jobs.Options{DB: d, Now: w.Clock.Now})
	must(t, w.Jobs.Migrate(t.Context()))
	log := slog.New(slog.DiscardHandler)
	var err error
	w.Journal, err = audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "identity", Key: w.Key, Now: w.Clock.Now, Log: log, Begun: w.Store.Begun})
	must(t, err)
	w.Gate = throttle.New(throttle.Options{DB: d, Store: w.Store, Journal: w.Journal, Key: w.Key.Derive("attempts"), Now: w.Clock.Now, Log: log})
	w.Accounts = account.New(w.options())
	return w
}

func (w *World) options() account.Options {
	return account.Options{DB: w.DB, Store: w.Store, Journal: w.Journal, Gate: w.Gate, Hasher: w.Hasher, Jobs: w.Jobs, Key: w.Key,
		Mail: w.mail, EndSessions: w.endSessions, URL: "https://identity.guild.example.test", Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler)}
}

// mail keeps a letter when its transaction is committed, as an outbox does.
func (w *World) mail(_ context.Context, tx *sql.Tx, m mail.Message) error {
	w.DB.AfterCommit(tx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.letters = append(w.letters, m)
	})
	return nil
}

func (w *World) endSessions(_ context.Context, tx *sql.Tx, accountID, except string) error {
	w.DB.AfterCommit(tx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = append(w.ended, accountID+" but "+except)
	})
	return nil
}

// Letters are those sent so far.
func (w *World) Letters() []mail.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.letters)
}

// Ended are the accounts whose sessions were ended: "usr_... but ses_...".
func (w *World) Ended() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ended)
}

// Code sends a challenge's letter and reads the code in it; empty when the letter
// has none, or there is none.
func (w *World) Code(t testing.TB, challenge string) string {
	t.Helper()
	before := len(w.Letters())
	must(t, w.Accounts.Deliver(t.Context(), challenge))
	letters := w.Letters()
	if len(letters) == before {
		return ""
	}
	text, _ := letters[len(letters)-1].Data["Code"].(string)
	return text
}

// Account makes an account with the address and Password.
func (w *World) Account(t testing.TB, email string) *account.Account {
	t.Helper()
	challenge, err := w.Accounts.Register(t.Context(), account.RegisterRequest{Email: email, Name: "Anna Nowak", Password: Password, Language: "en", By: By})
	must(t, err)
	a, err := w.Accounts.Activate(t.Context(), challenge, w.Code(t, challenge), By)
	must(t, err)
	return a
}

// Actions are the actions of the audit log since the row from, oldest first.
func (w *World) Actions(t testing.TB, from int) []string {
	t.Helper()
	page, err := w.Journal.Audit.List(t.Context(), audit.Filter{Limit: audit.MaxLimit})
	must(t, err)
	var actions []string
	for _, r := range slices.Backward(page.Records) {
		if r.Seq >= int64(from) {
			actions = append(actions, r.Action)
		}
	}
	return actions
}

// Rows is how many rows the audit log has.
func (w *World) Rows(t testing.TB) int {
	t.Helper()
	head, err := w.Journal.Audit.Head(t.Context())
	must(t, err)
	return int(head.Size)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Limited is the world's accounts with limiters of another kind than its own.
func Limited(w *World, limiter limit.Maker) *account.Service {
	o := w.options()
	o.Limiter = limiter
	o.Jobs = jobs.New(jobs.Options{DB: w.DB, Now: w.Clock.Now}) // the world's has these accounts' job already
	return account.New(o)
}

// Break is the world's accounts with a mailbox that refuses every letter.
func Break(w *World, trouble error) *account.Service {
	o := w.options()
	o.Mail = func(context.Context, *sql.Tx, mail.Message) error { return trouble }
	o.Jobs = jobs.New(jobs.Options{DB: w.DB, Now: w.Clock.Now}) // the world's has these accounts' job already
	return account.New(o)
}
