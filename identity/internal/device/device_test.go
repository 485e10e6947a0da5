package device_test

import (
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/device"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/id"
	"guildhall/platform/seal"
)

var life = grant.RefreshLife{Idle: 30 * 24 * time.Hour, Absolute: 180 * 24 * time.Hour}

// world is a desk with an account, its session and an application of one test
// alone.
type world struct {
	*device.Desk
	db       *db.DB
	store    *store.Store
	journal  *audit.Journal
	grants   *grant.Desk
	sessions *session.Desk
	clock    *guildtest.Clock

	app string
	who device.Who
	// tv and person are who asks.
	tv, person audit.Caller
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{db: d, store: store.New(d), clock: guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC))}
	key, log := seal.NewKey("identity"), slog.New(slog.DiscardHandler)
	var err error
	w.journal, err = audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "identity", Key: key, Now: w.clock.Now, Log: log})
	must(t, err)
	w.sessions = &session.Desk{Store: w.store, Journal: w.journal, Log: log, Now: w.clock.Now}
	w.grants = grant.New(grant.Options{Store: w.store, Journal: w.journal, Key: key, Sessions: w.sessions, Now: w.clock.Now, Log: log})
	w.sessions.Ended = w.grants.SessionsEnded
	gate := throttle.New(throttle.Options{DB: d, Store: w.store, Journal: w.journal, Key: key.Derive("attempts"), Now: w.clock.Now, Log: log})
	w.Desk = device.New(device.Options{DB: d, Store: w.store, Journal: w.journal, Grants: w.grants, Gate: gate, Key: key, Now: w.clock.Now, Log: log})
	return w
}

// fresh is the world with a new account and application.
func (w *world) fresh(t *testing.T) *world {
	t.Helper()
	n := *w
	n.app, n.who.Account = id.New("app"), id.New("usr")
	now := w.clock.Now()
	n.exec(t, `INSERT INTO accounts (id, email, email_key, name, language, theme, password, password_set_at, must_change, state, created_at)
		VALUES ($1, $2, $3, '', 'en', '', '', $4, FALSE, 'active', $5)`, n.who.Account, n.who.Account, n.who.Account, db.Micros(now), db.Micros(now))
	must(t, n.db.WithTx(t.Context(), func(tx *sql.Tx) error {
		return n.store.InsertClient(t.Context(), tx, &store.Client{ID: n.app, Name: "TV", State: "active", Metadata: "{}", MadeAt: now, ChangedAt: now})
	}))
	_, s, err := n.sessions.Start(t.Context(), session.Start{Account: n.who.Account, Level: session.Strong})
	must(t, err)
	n.who.Session, n.who.AuthTime, n.who.ACR, n.who.AMR = s.ID, now, oauth.ACRStrong, []string{"pop"}
	n.tv = audit.Caller{Actor: n.app, From: "198.51.100.7"}
	n.person = audit.Caller{Actor: n.who.Account, From: "ip-of-" + n.who.Account}
	return &n
}

func (w *world) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	must(t, w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) begin(t *testing.T) device.Code {
	t.Helper()
	c, err := w.Begin(t.Context(), w.app, oauth.Scopes{"openid", "email"}, []string{"https://tv.example"}, w.tv)
	must(t, err)
	return c
}

func (w *world) redeem(t *testing.T, c device.Code) (grant.Grant, string, error) {
	t.Helper()
	return w.Redeem(t.Context(), c.DeviceCode, w.app, life, bound, w.tv)
}

func bound(*grant.Grant) error { return nil }

func (w *world) approve(t *testing.T, c device.Code) {
	t.Helper()
	must(t, w.Decide(t.Context(), c.UserCode, true, w.who, w.person))
}

func TestDevice(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for name, test := range map[string]func(*testing.T, *world){
			"a device is signed in":                      signedIn,
			"a code is found however it is typed":        typedSomehow,
			"a device that is denied":                    denied,
			"a device that asks too often slows down":    slowed,
			"a code is over after ten minutes":           over,
			"one of many who redeem at once wins":        redeemedOnce,
			"another client redeems nothing":             foreign,
			"a binding that is refused uses nothing":     unbound,
			"one decision":                               decidedOnce,
			"guessing is slowed down":                    guessed,
			"right codes in between forgive no guesses":  guessedInBetween,
			"who is signed out decides nothing":          signedOut,
			"a reset takes back what was approved":       takenBack,
			"a withdrawal takes back what was approved":  withdrawn,
			"a disabled account gets nothing":            disabled,
			"it outlives the session it was approved in": outlives,
			"a client's devices are bounded":             bounded,
			"codes are not in the database":              hidden,
		} {
			t.Run(name, func(t *testing.T) { test(t, w.fresh(t)) })
		}
	})
}

func signedIn(t *testing.T, w *world) {
	c := w.begin(t)
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(c.UserCode) || c.ExpiresIn != 10*time.Minute || c.Interval != 5*time.Second {
		t.Errorf("codes %+v", c)
	}
	if _, _, err := w.redeem(t, c); !errors.Is(err, device.ErrPending) {
		t.Errorf("before it is decided: %v", err)
	}
	got, err := w.Find(t.Context(), c.UserCode, w.person)
	must(t, err)
	want := device.Pending{ClientID: w.app, UserCode: c.UserCode, Scopes: oauth.Scopes{"openid", "email"}, Audiences: []string{"https://tv.example"},
		MadeAt: w.clock.Now(), ExpiresAt: w.clock.Now().Add(device.Life), From: w.tv.From}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	w.approve(t, c)
	g, refresh, err := w.Redeem(t.Context(), c.DeviceCode, w.app, life, func(g *grant.Grant) error { g.JKT = "jkt"; return nil }, w.tv)
	must(t, err)
	live, err := w.grants.Live(t.Context(), g.ID)
	must(t, err)
	wantGrant := grant.Grant{ID: g.ID, Account: w.who.Account, Client: w.app, Scopes: want.Scopes, Audiences: want.Audiences, ACR: oauth.ACRStrong,
		AMR: []string{"pop"}, AuthTime: w.who.AuthTime, JKT: "jkt", MadeAt: w.clock.Now(), EndsAt: w.clock.Now().Add(life.Absolute)}
	if diff := cmp.Diff(wantGrant, g) + cmp.Diff(wantGrant, live); diff != "" {
		t.Error(diff)
	}
	if _, _, err := w.grants.ByRefresh(t.Context(), refresh); err != nil {
		t.Errorf("its refresh token: %v", err)
	}
	if _, _, err := w.redeem(t, c); !errors.Is(err, device.ErrCode) {
		t.Errorf("again: %v", err)
	}
	w.recorded(t, w.who.Account, `device.approved {"client":"`+w.app+`","device_from":"198.51.100.7","scopes":"openid email"}`)
	w.recorded(t, g.ID, `grant.begun {"account":"`+w.who.Account+`","client":"`+w.app+`","scopes":"openid email"}`)
}

// recorded holds that the audit log says of the subject this alone.
func (w *world) recorded(t *testing.T, subject string, want ...string) {
	t.Helper()
	page, err := w.journal.Audit.List(t.Context(), audit.Filter{Subject: subject})
	must(t, err)
	var got []string
	for _, r := range slices.Backward(page.Records) {
		got = append(got, r.Action+" "+string(r.Detail))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func typedSomehow(t *testing.T, w *world) {
	c := w.begin(t)
	bare := strings.ReplaceAll(c.UserCode, "-", "")
	for _, text := range []string{c.UserCode, bare, strings.ToLower(bare), " " + bare[:2] + " " + bare[2:] + "\t", bare[:4] + "–" + bare[4:]} {
		if got, err := w.Find(t.Context(), text, w.person); err != nil || got.UserCode != c.UserCode {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", bare[1:], bare + "B", "AEIOUAEI"} {
		if _, err := w.Find(t.Context(), text, w.person); !errors.Is(err, device.ErrUserCode) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func denied(t *testing.T, w *world) {
	c := w.begin(t)
	must(t, w.Decide(t.Context(), c.UserCode, false, w.who, w.person))
	for range 2 {
		if _, refresh, err := w.redeem(t, c); !errors.Is(err, device.ErrDenied) || refresh != "" {
			t.Errorf("redeemed: %v", err)
		}
	}
	w.recorded(t, w.who.Account, `device.denied {"client":"`+w.app+`","device_from":"198.51.100.7","scopes":"openid email"}`)
}

func slowed(t *testing.T, w *world) {
	c := w.begin(t)
	for i, step := range []struct {
		wait time.Duration
		want error
	}{
		{0, device.ErrPending},
		{5 * time.Second, device.ErrPending},
		{5*time.Second - time.Microsecond, device.ErrSlow}, // from here on 10 s
		{9 * time.Second, device.ErrSlow},                  // 15 s
		{15 * time.Second, device.ErrPending},
		{14 * time.Second, device.ErrSlow}, // 20 s
		{20 * time.Second, device.ErrPending},
	} {
		w.clock.Advance(step.wait)
		if _, _, err := w.redeem(t, c); !errors.Is(err, step.want) {
			t.Errorf("question %d: %v, want %v", i, err, step.want)
		}
	}
	w.approve(t, c)
	if _, _, err := w.redeem(t, c); err != nil {
		t.Errorf("what is approved waits for nothing: %v", err)
	}
}

func over(t *testing.T, w *world) {
	c, approved := w.begin(t), w.begin(t)
	w.approve(t, approved)
	w.clock.Advance(device.Life)
	for _, c := range []device.Code{c, approved} {
		if _, refresh, err := w.redeem(t, c); !errors.Is(err, device.ErrExpired) || refresh != "" {
			t.Errorf("redeemed: %v", err)
		}
	}
	if _, err := w.Find(t.Context(), c.UserCode, w.person); !errors.Is(err, device.ErrUserCode) {
		t.Errorf("found: %v", err)
	}
	if err := w.Decide(t.Context(), c.UserCode, true, w.who, w.person); !errors.Is(err, device.ErrUserCode) {
		t.Errorf("decided: %v", err)
	}
	must(t, w.grants.Purge(t.Context()))
	if _, _, err := w.redeem(t, c); !errors.Is(err, device.ErrCode) {
		t.Errorf("after it was deleted: %v", err)
	}
}

func redeemedOnce(t *testing.T, w *world) {
	for range 10 {
		c := w.begin(t)
		w.approve(t, c)
		var got [16]string
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() {
				var err error
				if _, got[i], err = w.redeem(t, c); err != nil && !errors.Is(err, device.ErrCode) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won := slices.DeleteFunc(got[:], func(s string) bool { return s == "" }); len(won) != 1 {
			t.Errorf("%d redeemed it", len(won))
		}
	}
	if all, err := w.grants.OfAccount(t.Context(), w.who.Account); err != nil || len(all) != 10 {
		t.Errorf("%d grants of 10 devices: %v", len(all), err)
	}
}

func foreign(t *testing.T, w *world) {
	c := w.begin(t)
	w.approve(t, c)
	other := w.fresh(t)
	if _, _, err := other.redeem(t, c); !errors.Is(err, device.ErrCode) {
		t.Errorf("redeemed: %v", err)
	}
	if _, _, err := w.redeem(t, c); err != nil {
		t.Errorf("and it was used up: %v", err)
	}
}

func unbound(t *testing.T, w *world) {
	c := w.begin(t)
	w.approve(t, c)
	no := oauth.NewError(oauth.InvalidDPoPProof, "No proof.")
	if _, _, err := w.Redeem(t.Context(), c.DeviceCode, w.app, life, func(*grant.Grant) error { return no }, w.tv); !errors.Is(err, no) {
		t.Errorf("redeemed: %v", err)
	}
	if _, _, err := w.redeem(t, c); err != nil {
		t.Errorf("and it was used up: %v", err)
	}
}

func decidedOnce(t *testing.T, w *world) {
	for range 10 {
		c := w.begin(t)
		var errs [8]error
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				by := w.person
				by.From = w.who.Account + string(rune('a'+i))
				errs[i] = w.Decide(t.Context(), c.UserCode, i%2 == 0, w.who, by)
			})
		}
		all.Wait()
		n := 0
		for _, err := range errs {
			if err == nil {
				n++
			} else if !errors.Is(err, device.ErrUserCode) && !errors.Is(err, throttle.ErrThrottled) {
				t.Error(err)
			}
		}
		if n != 1 {
			t.Errorf("%d decided", n)
		}
		w.clock.Advance(25 * time.Hour) // the gate forgets; so do the codes
		_, s, err := w.sessions.Start(t.Context(), session.Start{Account: w.who.Account, Level: session.Strong})
		must(t, err)
		w.who.Session = s.ID
	}
}

func guessed(t *testing.T, w *world) {
	c := w.begin(t)
	tried := 0
	for i := range 200 {
		by := w.person
		if i%2 == 0 {
			by.From = id.New("ip") // from everywhere
		}
		_, err := w.Find(t.Context(), "BBBB-BBBB", by)
		if !errors.Is(err, throttle.ErrThrottled) {
			tried++
		}
	}
	if tried > 8 {
		t.Errorf("%d of 200 guesses were looked at", tried)
	}
	if err := w.Decide(t.Context(), c.UserCode, true, w.who, w.person); !errors.Is(err, throttle.ErrThrottled) {
		t.Errorf("who guesses goes on with the next: %v", err)
	}
	// From one address, with many accounts.
	tried = 0
	for range 100 {
		if _, err := w.Find(t.Context(), "BBBB-BBBB", audit.Caller{Actor: id.New("usr"), From: "203.0.113.50"}); !errors.Is(err, throttle.ErrThrottled) {
			tried++
		}
	}
	if tried > 25 {
		t.Errorf("%d of 100 guesses from one address were looked at", tried)
	}
}

func guessedInBetween(t *testing.T, w *world) {
	c := w.begin(t)
	tried := 0
	for i := range 200 {
		by := w.person
		by.From = id.New("ip")
		if i%3 == 0 {
			_, _ = w.Find(t.Context(), c.UserCode, by)
		} else if _, err := w.Find(t.Context(), "BBBB-BBBB", by); !errors.Is(err, throttle.ErrThrottled) {
			tried++
		}
	}
	if tried > 12 {
		t.Errorf("%d guesses were looked at", tried)
	}
}

func signedOut(t *testing.T, w *world) {
	c := w.begin(t)
	other := w.fresh(t)
	who := w.who
	who.Session = other.who.Session
	if err := w.Decide(t.Context(), c.UserCode, true, who, w.person); !errors.Is(err, device.ErrUserCode) {
		t.Errorf("decided in another's session: %v", err)
	}
	must(t, w.sessions.End(t.Context(), w.who.Account, w.who.Session, w.person))
	if err := w.Decide(t.Context(), c.UserCode, true, w.who, w.person); !errors.Is(err, device.ErrUserCode) {
		t.Errorf("decided: %v", err)
	}
	if _, _, err := w.redeem(t, c); !errors.Is(err, device.ErrPending) {
		t.Errorf("redeemed: %v", err)
	}
}

func takenBack(t *testing.T, w *world) {
	c := w.begin(t)
	w.approve(t, c)
	_, err := w.sessions.EndOthers(t.Context(), w.who.Account, w.who.Session, w.person)
	must(t, err)
	if _, refresh, err := w.redeem(t, c); !errors.Is(err, device.ErrDenied) || refresh != "" {
		t.Errorf("redeemed: %v", err)
	}
}

func withdrawn(t *testing.T, w *world) {
	c, other := w.begin(t), w.fresh(t)
	w.approve(t, c)
	must(t, w.grants.Withdraw(t.Context(), w.who.Account, other.app, w.person))
	must(t, w.grants.Withdraw(t.Context(), other.who.Account, w.app, other.person))
	kept := w.begin(t)
	w.approve(t, kept)
	if _, _, err := w.redeem(t, kept); err != nil {
		t.Errorf("others withdrew, and it is redeemed: %v", err)
	}
	must(t, w.grants.Withdraw(t.Context(), w.who.Account, w.app, w.person))
	if _, refresh, err := w.redeem(t, c); !errors.Is(err, device.ErrDenied) || refresh != "" {
		t.Errorf("redeemed: %v", err)
	}
}

func disabled(t *testing.T, w *world) {
	c := w.begin(t)
	w.approve(t, c)
	w.exec(t, `UPDATE accounts SET state = 'disabled' WHERE id = $1`, w.who.Account)
	if _, refresh, err := w.redeem(t, c); !errors.Is(err, device.ErrDenied) || refresh != "" {
		t.Errorf("redeemed: %v", err)
	}
}

func outlives(t *testing.T, w *world) {
	c := w.begin(t)
	w.approve(t, c)
	g, _, err := w.redeem(t, c)
	must(t, err)
	must(t, w.sessions.End(t.Context(), w.who.Account, w.who.Session, w.person))
	if _, err := w.grants.Live(t.Context(), g.ID); err != nil {
		t.Errorf("the television was signed out with the browser: %v", err)
	}
}

func bounded(t *testing.T, w *world) {
	now := w.clock.Now()
	must(t, w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
		rows := make([][]any, 5000)
		for i := range rows {
			key := []byte(w.app + string(rune(i+0x4e00)))
			rows[i] = []any{key, key, w.app, "{}", "pending", 1, 1, 1, db.Micros(now.Add(time.Minute))}
		}
		return w.db.Insert(t.Context(), tx, "device_codes", []string{"hash", "user_hash", "client", "data", "state", "spacing", "polled_at", "made_at", "expires_at"}, rows)
	}))
	if _, err := w.Begin(t.Context(), w.app, nil, nil, w.tv); !errors.Is(err, device.ErrFull) {
		t.Errorf("one more: %v", err)
	}
	other := w.fresh(t)
	other.begin(t)
	w.clock.Advance(time.Minute)
	w.begin(t)
}

func hidden(t *testing.T, w *world) {
	c := w.begin(t)
	w.approve(t, c)
	var hash, userHash []byte
	var data string
	must(t, w.db.Read.QueryRowContext(t.Context(), `SELECT hash, user_hash, data FROM device_codes WHERE client = $1`, w.app).Scan(&hash, &userHash, &data))
	for _, secret := range []string{c.DeviceCode, c.UserCode, strings.ReplaceAll(c.UserCode, "-", "")} {
		if strings.Contains(string(hash)+string(userHash)+data, secret) {
			t.Errorf("the database has %s", secret)
		}
	}
}
