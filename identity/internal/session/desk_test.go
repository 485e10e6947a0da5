package session_test

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

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/id"
	"guildhall/platform/seal"
)

// world is a desk on a database of its own.
type world struct {
	*session.Desk
	db    *db.DB
	clock *guildtest.Clock
	log   *bytes.Buffer
	// ann and bob are accounts of one test alone.
	ann, bob string
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	clock := guildtest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	key := seal.NewKey("identity")
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	j, err := audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "identity", Key: key, Now: clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return &world{Desk: &session.Desk{Store: store.New(d), Journal: j, Log: log, Now: clock.Now}, db: d, clock: clock, log: &text}
}

// fresh is the world with two new accounts.
func (w *world) fresh(t *testing.T) *world {
	t.Helper()
	n := *w
	n.ann, n.bob = id.New("usr"), id.New("usr")
	for _, account := range []string{n.ann, n.bob} {
		w.exec(t, `INSERT INTO accounts (id, email, email_key, name, language, theme, password, password_set_at, must_change, state, created_at)
			VALUES ($1, $2, $3, '', 'en', '', '', $4, FALSE, 'active', $5)`, account, account, account, db.Micros(w.clock.Now()), db.Micros(w.clock.Now()))
	}
	return &n
}

func (w *world) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	err := w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) start(t *testing.T, account string, level session.Level) (string, session.Session) {
	t.Helper()
	token, s, err := w.Start(t.Context(), session.Start{Account: account, Level: level, Methods: []string{session.MethodPassword},
		UserAgent: "Browser/1", From: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	return token, s
}

// opens says whether the token finds a session.
func (w *world) opens(t *testing.T, token string) bool {
	t.Helper()
	_, err := w.Find(t.Context(), token)
	if err != nil && !errors.Is(err, session.ErrNone) {
		t.Fatal(err)
	}
	return err == nil
}

func (w *world) raise(t *testing.T, token string, level session.Level, method string) string {
	t.Helper()
	token, err := w.Raise(t.Context(), token, level, method, "192.0.2.9")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestDesk(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for name, test := range map[string]func(*testing.T, *world){
			"a session is found by its token alone":     foundByToken,
			"a session that is not used ends":           idles,
			"a session ends however much it is used":    ends,
			"the second factor has ten minutes":         pendingEnds,
			"use is written once a minute":              touches,
			"a raised session has a new token":          raised,
			"the second factor cannot be stepped round": pendingStaysPending,
			"one of many who raise a token wins":        raisedOnce,
			"an old token cannot be raised":             raisedInVain,
			"no session of a disabled account":          disabled,
			"no session of a deleted account":           deleted,
			"no session on an old password":             oldPassword,
			"no session by a factor that was removed":   removedFactor,
			"whether a session lives":                   lives,
			"a list shows what is signed in":            listed,
			"one session is ended":                      endOne,
			"all others are ended":                      endOthers,
			"all are ended with the caller's change":    endAll,
			"signing out twice is no error":             signOut,
			"others are told what ended":                told,
			"use without the token":                     usedOtherwise,
			"what is over is deleted":                   purged,
			"what a browser says is cut to size":        cut,
			"each step is in the audit log":             audited,
		} {
			t.Run(name, func(t *testing.T) { test(t, w.fresh(t)) })
		}
	})
}

func foundByToken(t *testing.T, w *world) {
	token, started := w.start(t, w.ann, session.Password)
	found, err := w.Find(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(started, found); diff != "" {
		t.Errorf("what was found is not what was started:\n%s", diff)
	}
	if found.Account != w.ann || found.Level != session.Password || found.UserAgent != "Browser/1" || found.From != "192.0.2.1" {
		t.Errorf("found %+v", found)
	}
	if len(token) < 26 {
		t.Errorf("the token has %d characters: too few to be random enough", len(token))
	}
	for _, wrong := range []string{"", "x", token + "x", token[1:], strings.ToLower(token), started.ID} {
		if w.opens(t, wrong) {
			t.Errorf("%q opens the session", wrong)
		}
	}
	w.storedNowhere(t, token)
}

// storedNowhere fails when the database holds the token.
func (w *world) storedNowhere(t *testing.T, token string) {
	t.Helper()
	var id, account, methods, agent, from string
	var hash []byte
	err := w.db.Read.QueryRowContext(t.Context(), `SELECT id, account, hash, methods, user_agent, from_ip FROM sessions WHERE account = $1`, w.ann).
		Scan(&id, &account, &hash, &methods, &agent, &from)
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join([]string{id, account, string(hash), methods, agent, from}, " "); strings.Contains(all, token) || len(hash) != 32 {
		t.Errorf("the row holds the token: %q", all)
	}
}

func idles(t *testing.T, w *world) {
	used, _ := w.start(t, w.ann, session.Password)
	unused, _ := w.start(t, w.ann, session.Strong)
	w.clock.Advance(session.DefaultIdle - time.Second)
	if !w.opens(t, used) {
		t.Fatal("the session ended before its time")
	}
	w.clock.Advance(time.Second)
	if w.opens(t, unused) {
		t.Error("a session that nobody used for 12 hours lives")
	}
	w.clock.Advance(session.DefaultIdle - 2*time.Second)
	if !w.opens(t, used) {
		t.Error("the use of a session did not keep it")
	}
}

func ends(t *testing.T, w *world) {
	token, _ := w.start(t, w.ann, session.Strong)
	for range 61 {
		w.clock.Advance(session.DefaultIdle - time.Second)
		if !w.opens(t, token) {
			break
		}
		token = w.raise(t, token, session.Strong, session.MethodPassword)
	}
	if w.opens(t, token) {
		t.Error("a session lives longer than 30 days")
	}
}

func pendingEnds(t *testing.T, w *world) {
	token, s := w.start(t, w.ann, session.Pending)
	for range 9 {
		w.clock.Advance(time.Minute)
		if !w.opens(t, token) {
			t.Fatal("the second factor has less than ten minutes")
		}
	}
	w.clock.Advance(time.Minute)
	if w.opens(t, token) {
		t.Errorf("a pending session that ends at %s lives at %s", s.EndsAt, w.clock.Now())
	}
	if _, err := w.Raise(t.Context(), token, session.Strong, session.MethodTOTP, "192.0.2.9"); !errors.Is(err, session.ErrNone) {
		t.Errorf("a pending session that is over was raised: %v", err)
	}
}

func touches(t *testing.T, w *world) {
	token, s := w.start(t, w.ann, session.Password)
	seen := func() time.Time {
		var us int64
		if err := w.db.Read.QueryRowContext(t.Context(), `SELECT seen_at FROM sessions WHERE id = $1`, s.ID).Scan(&us); err != nil {
			t.Fatal(err)
		}
		return db.FromMicros(us)
	}
	w.clock.Advance(59 * time.Second)
	if w.opens(t, token); !seen().Equal(s.SeenAt) {
		t.Error("use within a minute was written")
	}
	w.clock.Advance(time.Second)
	if w.opens(t, token); !seen().Equal(w.clock.Now()) {
		t.Errorf("the session was seen at %s, not at %s", seen(), w.clock.Now())
	}
}

func raised(t *testing.T, w *world) {
	pending, before := w.start(t, w.ann, session.Pending)
	w.clock.Advance(time.Minute)
	strong := w.raise(t, pending, session.Strong, session.MethodTOTP)
	if strong == pending || w.opens(t, pending) {
		t.Error("the token from before the second factor still opens")
	}
	after, err := w.Find(t.Context(), strong)
	if err != nil {
		t.Fatal(err)
	}
	if after.ID != before.ID || after.Level != session.Strong || !after.AuthenticatedAt.Equal(w.clock.Now()) || after.Age(w.clock.Now()) != 0 {
		t.Errorf("raised to %+v", after)
	}
	if diff := cmp.Diff([]string{session.MethodPassword, session.MethodTOTP}, after.Methods); diff != "" {
		t.Error(diff)
	}
	if want := before.MadeAt.Add(session.DefaultAbsolute); !after.EndsAt.Equal(want) {
		t.Errorf("it ends at %s, not %s", after.EndsAt, want)
	}
	// A password asked for again makes a session younger, not weaker.
	w.clock.Advance(time.Hour)
	again := w.raise(t, strong, session.Password, session.MethodPassword)
	if after, err = w.Find(t.Context(), again); err != nil || after.Level != session.Strong || len(after.Methods) != 2 {
		t.Errorf("the level fell: %+v, %v", after, err)
	}
}

func pendingStaysPending(t *testing.T, w *world) {
	token, _ := w.start(t, w.ann, session.Pending)
	for _, level := range []session.Level{0, session.Pending, session.Password} {
		if _, err := w.Raise(t.Context(), token, level, session.MethodPassword, "192.0.2.9"); !errors.Is(err, session.ErrSecondFactor) {
			t.Errorf("raised to %s without a second factor: %v", level, err)
		}
	}
	if s, err := w.Find(t.Context(), token); err != nil || s.Level != session.Pending {
		t.Errorf("%+v, %v", s, err)
	}
}

func raisedOnce(t *testing.T, w *world) {
	token, _ := w.start(t, w.ann, session.Pending)
	results := make([]string, 20)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			next, err := w.Raise(t.Context(), token, session.Strong, session.MethodTOTP, "192.0.2.9")
			if err != nil && !errors.Is(err, session.ErrNone) {
				t.Error(err)
			}
			results[i] = next
		})
	}
	all.Wait()
	won := slices.DeleteFunc(results, func(next string) bool { return next == "" })
	if len(won) != 1 || !w.opens(t, won[0]) {
		t.Errorf("%d raised the same token", len(won))
	}
}

func raisedInVain(t *testing.T, w *world) {
	token, _ := w.start(t, w.ann, session.Password)
	w.raise(t, token, session.Strong, session.MethodTOTP)
	for _, wrong := range []string{token, "", "unknown"} {
		if _, err := w.Raise(t.Context(), wrong, session.Strong, session.MethodTOTP, "192.0.2.9"); !errors.Is(err, session.ErrNone) {
			t.Errorf("%q was raised: %v", wrong, err)
		}
	}
}

func disabled(t *testing.T, w *world) {
	token, _ := w.start(t, w.ann, session.Pending)
	w.exec(t, `UPDATE accounts SET state = 'disabled' WHERE id = $1`, w.ann)
	if w.opens(t, token) {
		t.Error("a session of a disabled account opens")
	}
	if _, err := w.Raise(t.Context(), token, session.Strong, session.MethodTOTP, "192.0.2.9"); !errors.Is(err, session.ErrNone) {
		t.Errorf("a session of a disabled account was raised: %v", err)
	}
	if _, _, err := w.Start(t.Context(), session.Start{Account: w.ann, Level: session.Strong}); !errors.Is(err, session.ErrNoAccount) {
		t.Errorf("a disabled account signed in: %v", err)
	}
}

func deleted(t *testing.T, w *world) {
	token, _ := w.start(t, w.ann, session.Password)
	w.exec(t, `DELETE FROM accounts WHERE id = $1`, w.ann)
	if w.opens(t, token) {
		t.Error("a session of a deleted account opens")
	}
	if _, _, err := w.Start(t.Context(), session.Start{Account: w.ann, Level: session.Strong}); !errors.Is(err, session.ErrNoAccount) {
		t.Errorf("a deleted account signed in: %v", err)
	}
}

// A password that was right when it was checked and changed before the session
// began must not get past the end of all sessions.
func oldPassword(t *testing.T, w *world) {
	checked := w.clock.Now()
	start := session.Start{Account: w.ann, Level: session.Password, PasswordSetAt: checked}
	if _, _, err := w.Start(t.Context(), start); err != nil {
		t.Errorf("the present password: %v", err)
	}
	w.exec(t, `UPDATE accounts SET password_set_at = $1 WHERE id = $2`, db.Micros(checked.Add(time.Millisecond)), w.ann)
	if _, _, err := w.Start(t.Context(), start); !errors.Is(err, session.ErrNoAccount) {
		t.Errorf("an old password signed in: %v", err)
	}
}

func (w *world) ids(t *testing.T, account string) (ids []string) {
	t.Helper()
	all, err := w.List(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

func listed(t *testing.T, w *world) {
	_, first := w.start(t, w.ann, session.Password)
	w.clock.Advance(time.Minute)
	_, second := w.start(t, w.ann, session.Strong)
	w.start(t, w.ann, session.Pending)
	w.start(t, w.bob, session.Strong)
	if diff := cmp.Diff([]string{second.ID, first.ID}, w.ids(t, w.ann)); diff != "" {
		t.Error(diff)
	}
}

func endOne(t *testing.T, w *world) {
	token, s := w.start(t, w.ann, session.Password)
	by := audit.Caller{Actor: w.bob}
	if err := w.End(t.Context(), w.bob, s.ID, by); !errors.Is(err, session.ErrNotFound) || !w.opens(t, token) {
		t.Errorf("somebody ended another's session: %v", err)
	}
	if err := w.End(t.Context(), w.ann, s.ID, by); err != nil || w.opens(t, token) {
		t.Errorf("the session lives on: %v", err)
	}
	if err := w.End(t.Context(), w.ann, s.ID, by); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("it ended twice: %v", err)
	}
	if _, err := w.Raise(t.Context(), token, session.Strong, session.MethodTOTP, "192.0.2.9"); !errors.Is(err, session.ErrNone) {
		t.Errorf("an ended session was raised: %v", err)
	}
}

func endOthers(t *testing.T, w *world) {
	mine, s := w.start(t, w.ann, session.Password)
	other, _ := w.start(t, w.ann, session.Strong)
	pending, _ := w.start(t, w.ann, session.Pending)
	bobs, _ := w.start(t, w.bob, session.Strong)
	ended, err := w.EndOthers(t.Context(), w.ann, s.ID, audit.Caller{Actor: w.ann})
	if err != nil || ended != 2 {
		t.Errorf("%d ended: %v", ended, err)
	}
	if !w.opens(t, mine) || !w.opens(t, bobs) || w.opens(t, other) || w.opens(t, pending) {
		t.Error("the wrong sessions ended")
	}
}

func endAll(t *testing.T, w *world) {
	one, _ := w.start(t, w.ann, session.Password)
	two, _ := w.start(t, w.ann, session.Pending)
	stop := errors.New("stop")
	end := func(last error) error {
		return w.Journal.DB.Group(t.Context(), func(tx *sql.Tx) error {
			if err := w.Journal.Append(t.Context(), tx, audit.Caller{Actor: w.ann}, journal.PasswordReset, w.ann, nil); err != nil {
				return err
			}
			return errors.Join(w.EndAll(t.Context(), tx, w.ann, ""), last)
		})
	}
	if err := end(stop); !errors.Is(err, stop) || !w.opens(t, one) {
		t.Errorf("sessions ended without the change that ends them: %v", err)
	}
	if err := end(nil); err != nil || w.opens(t, one) || w.opens(t, two) {
		t.Errorf("sessions live on: %v", err)
	}
}

func signOut(t *testing.T, w *world) {
	token, _ := w.start(t, w.ann, session.Strong)
	for range 2 {
		if err := w.SignOut(t.Context(), token, audit.Caller{Actor: w.ann}); err != nil || w.opens(t, token) {
			t.Errorf("signed in after signing out: %v", err)
		}
	}
}

func told(t *testing.T, w *world) {
	_, one := w.start(t, w.ann, session.Password)
	_, two := w.start(t, w.ann, session.Strong)
	_, three := w.start(t, w.ann, session.Pending)
	w.start(t, w.bob, session.Strong)
	var got []session.Ended
	trouble := errors.New("trouble")
	desk := *w.Desk
	desk.Ended = func(_ context.Context, _ *sql.Tx, e session.Ended) error {
		slices.Sort(e.Sessions)
		got = append(got, e)
		return trouble
	}
	by := audit.Caller{Actor: w.ann}
	if err := desk.End(t.Context(), w.ann, one.ID, by); !errors.Is(err, trouble) || len(w.ids(t, w.ann)) != 2 {
		t.Errorf("a session ended that could not be told of: %v", err)
	}
	trouble = nil
	if err := desk.End(t.Context(), w.bob, one.ID, by); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("ended another's: %v", err)
	}
	if err := desk.End(t.Context(), w.ann, one.ID, by); err != nil {
		t.Error(err)
	}
	if n, err := desk.EndOthers(t.Context(), w.ann, two.ID, by); err != nil || n != 1 {
		t.Errorf("%d ended: %v", n, err)
	}
	end := session.Ended{Account: w.ann, Sessions: []string{one.ID}}
	want := []session.Ended{end, end, {Account: w.ann, Sessions: []string{three.ID}, All: true, Except: two.ID}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func usedOtherwise(t *testing.T, w *world) {
	use := func(id string) {
		t.Helper()
		if err := w.db.WithTx(t.Context(), func(tx *sql.Tx) error { return w.Use(t.Context(), tx, id) }); err != nil {
			t.Fatal(err)
		}
	}
	token, s := w.start(t, w.ann, session.Password)
	pending, p := w.start(t, w.ann, session.Pending)
	if w.Unnoted(w.clock.Now().Add(-59*time.Second)) || !w.Unnoted(w.clock.Now().Add(-time.Minute)) {
		t.Error("a use is noted once a minute")
	}
	w.clock.Advance(9 * time.Minute)
	use(p.ID)
	w.clock.Advance(11 * time.Hour)
	use(s.ID)
	use("ses_unknown")
	w.clock.Advance(11 * time.Hour)
	if !w.opens(t, token) || w.opens(t, pending) {
		t.Error("the use of a session did not keep it, or kept one that is pending")
	}
	w.clock.Advance(30 * 24 * time.Hour)
	use(s.ID)
	if w.opens(t, token) {
		t.Error("a session that is over was brought back")
	}
}

func purged(t *testing.T, w *world) {
	count := func() (n int) {
		if err := w.db.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM sessions WHERE account = $1`, w.ann).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	w.start(t, w.ann, session.Pending)
	w.clock.Advance(session.PendingLife)
	_, gone := w.start(t, w.ann, session.Password)
	if err := w.End(t.Context(), w.ann, gone.ID, audit.Caller{}); err != nil {
		t.Fatal(err)
	}
	live, _ := w.start(t, w.ann, session.Password)
	if n := count(); n != 3 {
		t.Fatalf("%d rows", n)
	}
	if err := w.Purge(t.Context()); err != nil || count() != 1 || !w.opens(t, live) {
		t.Errorf("%d rows are left: %v", count(), err)
	}
}

func cut(t *testing.T, w *world) {
	agent := "A\x00B\nC\xff" + strings.Repeat("界", 500)
	_, s, err := w.Start(t.Context(), session.Start{Account: w.ann, Level: session.Password, UserAgent: agent, From: strings.Repeat("1", 99)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.UserAgent, "ABC界界") || len(s.UserAgent) > 300 || len(s.From) > 64 {
		t.Errorf("kept %q from %q", s.UserAgent, s.From)
	}
	if _, _, err := w.Start(t.Context(), session.Start{Account: w.ann, Level: 4}); err == nil {
		t.Error("a session of no level began")
	}
}

func audited(t *testing.T, w *world) {
	token, s := w.start(t, w.ann, session.Password)
	token = w.raise(t, token, session.Strong, session.MethodPasskey)
	by := audit.Caller{Actor: w.ann, From: "192.0.2.9"}
	if err := w.SignOut(t.Context(), token, by); err != nil {
		t.Fatal(err)
	}
	page, err := w.Journal.Audit.List(t.Context(), audit.Filter{Subject: s.ID})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range page.Records {
		got = append(got, r.Actor+" "+r.Action+" "+r.From+" "+string(r.Detail))
	}
	want := []string{
		w.ann + ` session.ended 192.0.2.9 {"account":"` + w.ann + `"}`,
		w.ann + ` session.raised 192.0.2.9 {"method":"passkey","new":"strong","old":"password"}`,
		w.ann + ` session.started 192.0.2.1 {"level":"password","methods":"pwd"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Signed-in people stay so while the disk is full.
func TestFindWhileNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations"))
	w := newWorld(t, d).fresh(t)
	token, _ := w.start(t, w.ann, session.Password)
	w.exec(t, `CREATE TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'full'); END`)
	w.clock.Advance(time.Hour)
	if !w.opens(t, token) || !strings.Contains(w.log.String(), "may end early") || strings.Contains(w.log.String(), token) {
		t.Errorf("the log says %q", w.log)
	}
}

// An administrator removes the second factors between the code and the session.
func removedFactor(t *testing.T, w *world) {
	start := session.Start{Account: w.ann, Level: session.Strong, Methods: []string{session.MethodPassword, session.MethodTOTP}, ByFactor: true}
	w.exec(t, `INSERT INTO totp (account, secret, confirmed_at, last_step) VALUES ($1, $2, 1, 0)`, w.ann, []byte("x"))
	if _, _, err := w.Start(t.Context(), start); err != nil {
		t.Errorf("with the factor: %v", err)
	}
	w.exec(t, `DELETE FROM totp WHERE account = $1`, w.ann)
	if _, _, err := w.Start(t.Context(), start); !errors.Is(err, session.ErrNoAccount) {
		t.Errorf("by a factor that is gone: %v", err)
	}
	if all, err := w.List(t.Context(), w.ann); err != nil || len(all) != 1 {
		t.Errorf("the sessions are %+v, %v", all, err)
	}
}

func lives(t *testing.T, w *world) {
	lives := func(account, id string) error {
		return w.db.WithTx(t.Context(), func(tx *sql.Tx) error { return w.Lives(t.Context(), tx, account, id) })
	}
	_, pending := w.start(t, w.ann, session.Pending)
	_, s := w.start(t, w.ann, session.Password)
	if err := lives(w.ann, s.ID); err != nil {
		t.Errorf("a session that lives: %v", err)
	}
	for why, got := range map[string]error{"another's": lives(w.bob, s.ID), "one that waits for its second factor": lives(w.ann, pending.ID), "none": lives(w.ann, "")} {
		if !errors.Is(got, session.ErrNone) {
			t.Errorf("%s: %v", why, got)
		}
	}
	w.exec(t, `UPDATE accounts SET state = 'disabled' WHERE id = $1`, w.ann)
	if err := lives(w.ann, s.ID); !errors.Is(err, session.ErrNone) {
		t.Errorf("of a disabled account: %v", err)
	}
	w.exec(t, `UPDATE accounts SET state = 'active' WHERE id = $1`, w.ann)
	if err := w.End(t.Context(), w.ann, s.ID, audit.Caller{Actor: w.ann}); err != nil {
		t.Fatal(err)
	}
	if err := lives(w.ann, s.ID); !errors.Is(err, session.ErrNone) {
		t.Errorf("one that has ended: %v", err)
	}
}
