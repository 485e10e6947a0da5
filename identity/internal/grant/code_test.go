package grant_test

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

var errWrong = oauth.NewError(oauth.InvalidGrant, "The code is another application's.")

func TestCodes(t *testing.T) {
	each(t, map[string]func(*testing.T, *world){
		"a code is worth its grant":                       redeemed,
		"a wrong try uses nothing":                        wrongTry,
		"a second redemption ends the grant":              replayed,
		"a second try that is wrong ends nothing":         replayedWrongly,
		"a code is over after a minute":                   codeOver,
		"a code of a session that ended is nothing":       codeOfEnded,
		"a code of a disabled account is nothing":         codeOfDisabled,
		"nothing is granted in a session that is over":    grantedInVain,
		"nothing is granted by a password that changed":   passwordInVain,
		"nothing is granted to a disabled application":    grantedToDisabled,
		"a disabled application keeps nothing":            disabledMeanwhile,
		"without a life there is no refresh token":        noRefresh,
		"a grant without a browser":                       withoutBrowser,
		"what is begun is recorded, what is redeemed not": begunRecorded,
	})
}

func redeemed(t *testing.T, w *world) {
	s := w.session(t)
	bound := grant.Code{RedirectURI: "https://a.example/cb?x=1", GivenURI: true, Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}
	code, begun, err := w.IssueCode(t.Context(), w.offline(s), bound, by)
	must(t, err)
	bound.ExpiresAt = w.clock.Now().Add(time.Minute)
	w.clock.Advance(59 * time.Second)
	got, refresh, err := w.RedeemCode(t.Context(), code, func(g *grant.Grant, c grant.Code) error {
		if diff := cmp.Diff(begun, *g) + cmp.Diff(bound, c); diff != "" {
			t.Errorf("checked:\n%s", diff)
		}
		g.JKT, g.X5T = "jkt", "x5t"
		return nil
	}, life, by)
	must(t, err)
	want := begun
	want.JKT, want.X5T, want.EndsAt = "jkt", "x5t", w.clock.Now().Add(life.Absolute)
	live, err := w.Live(t.Context(), begun.ID)
	must(t, err)
	after, expires, err := w.ByRefresh(t.Context(), refresh)
	must(t, err)
	if diff := cmp.Diff(want, got) + cmp.Diff(want, live) + cmp.Diff(want, after); diff != "" {
		t.Error(diff)
	}
	if !expires.Equal(w.clock.Now().Add(life.Idle)) || !strings.HasPrefix(got.ID, "gnt_") {
		t.Errorf("%s, refreshed until %v", got.ID, expires)
	}
}

func wrongTry(t *testing.T, w *world) {
	code, _, err := w.IssueCode(t.Context(), w.grant(w.session(t)), grant.Code{}, by)
	must(t, err)
	for range 3 {
		_, refresh, err := w.RedeemCode(t.Context(), code, func(g *grant.Grant, _ grant.Code) error { g.JKT = "thief"; return errWrong }, life, by)
		if !errors.Is(err, errWrong) || refresh != "" {
			t.Fatalf("redeemed: %v", err)
		}
	}
	for _, other := range []string{"", "x", strings.ToLower(code), code + "A"} {
		if _, _, err := w.RedeemCode(t.Context(), other, anyCode, life, by); !errors.Is(err, grant.ErrCode) {
			t.Errorf("%q: %v", other, err)
		}
	}
	g, refresh, err := w.RedeemCode(t.Context(), code, anyCode, life, by)
	if err != nil || refresh == "" || g.JKT != "" {
		t.Errorf("the right try: %+v, %v", g, err)
	}
}

func replayed(t *testing.T, w *world) {
	code, begun, err := w.IssueCode(t.Context(), w.offline(w.session(t)), grant.Code{}, by)
	must(t, err)
	_, refresh, err := w.RedeemCode(t.Context(), code, anyCode, life, by)
	must(t, err)
	w.clock.Advance(40 * 24 * time.Hour) // a code is known as long as its grant
	if w.lives(t, refresh) {
		t.Error("an unused refresh token lives for 40 days")
	}
	if _, _, err := w.RedeemCode(t.Context(), code, anyCode, life, audit.Caller{Actor: "app_2"}); !errors.Is(err, grant.ErrCode) {
		t.Errorf("redeemed twice: %v", err)
	}
	if _, err := w.Live(t.Context(), begun.ID); !errors.Is(err, grant.ErrOver) {
		t.Errorf("the grant lives on: %v", err)
	}
	lines := w.recorded(t, begun.ID)
	want := `app_2 grant.revoked {"account":"` + w.ann + `","client":"` + w.app + `","why":"replay"}`
	if len(lines) != 2 || lines[1] != want {
		t.Errorf("recorded %q, want %q", lines, want)
	}
}

func replayedWrongly(t *testing.T, w *world) {
	code, begun, err := w.IssueCode(t.Context(), w.grant(w.session(t)), grant.Code{}, by)
	must(t, err)
	_, refresh, err := w.RedeemCode(t.Context(), code, anyCode, life, by)
	must(t, err)
	_, _, err = w.RedeemCode(t.Context(), code, func(*grant.Grant, grant.Code) error { return errWrong }, life, by)
	if _, lives := w.Live(t.Context(), begun.ID); !errors.Is(err, errWrong) || lives != nil || !w.lives(t, refresh) {
		t.Errorf("who has a used code and nothing else ended the grant: %v, %v", err, lives)
	}
}

func codeOver(t *testing.T, w *world) {
	code, _, err := w.IssueCode(t.Context(), w.grant(w.session(t)), grant.Code{}, by)
	must(t, err)
	w.clock.Advance(grant.CodeLife)
	w.codeIsNothing(t, code)
}

func (w *world) codeIsNothing(t *testing.T, code string) {
	t.Helper()
	_, refresh, err := w.RedeemCode(t.Context(), code, func(*grant.Grant, grant.Code) error { t.Error("it was looked at"); return nil }, life, by)
	if !errors.Is(err, grant.ErrCode) || refresh != "" {
		t.Errorf("redeemed: %v", err)
	}
}

func codeOfEnded(t *testing.T, w *world) {
	s := w.session(t)
	code, _, err := w.IssueCode(t.Context(), w.grant(s), grant.Code{}, by)
	must(t, err)
	must(t, w.sessions.End(t.Context(), w.ann, s.ID, by))
	w.codeIsNothing(t, code)
}

func codeOfDisabled(t *testing.T, w *world) {
	code, _, err := w.IssueCode(t.Context(), w.offline(w.session(t)), grant.Code{}, by)
	must(t, err)
	w.exec(t, `UPDATE accounts SET state = 'disabled' WHERE id = $1`, w.ann)
	w.codeIsNothing(t, code)
}

func grantedInVain(t *testing.T, w *world) {
	ended := w.session(t)
	must(t, w.sessions.End(t.Context(), w.ann, ended.ID, by))
	idle := w.session(t)
	w.clock.Advance(13 * time.Hour)
	live := w.session(t)
	bob := w.fresh(t)
	foreign := bob.grant(live)
	disabled := bob.grant(bob.session(t))
	w.exec(t, `UPDATE accounts SET state = 'disabled' WHERE id = $1`, bob.ann)
	for name, g := range map[string]grant.Grant{"ended": w.offline(ended), "idle": w.grant(idle), "another's": foreign, "disabled": disabled} {
		code, _, err := w.IssueCode(t.Context(), g, grant.Code{}, by)
		if !errors.Is(err, grant.ErrSignedOut) || code != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := w.Issue(t.Context(), disabled, life, by); !errors.Is(err, grant.ErrSignedOut) {
		t.Errorf("issued to a disabled account: %v", err)
	}
}

// What was enough when the password was looked at must still be when the grant begins.
func passwordInVain(t *testing.T, w *world) {
	set := w.clock.Now()
	w.exec(t, `UPDATE accounts SET password_set_at = $1 WHERE id = $2`, db.Micros(set), w.ann)
	g := grant.Grant{Account: w.ann, Client: w.app, Offline: true, Scopes: oauth.Scopes{"openid"}}
	issue := func() error {
		_, _, err := w.IssueByPassword(t.Context(), g, set, life, by)
		return err
	}
	must(t, issue())
	for name, change := range map[string][2]string{
		"a new password":             {`UPDATE accounts SET password_set_at = password_set_at + 1 WHERE id = $1`, `UPDATE accounts SET password_set_at = password_set_at - 1 WHERE id = $1`},
		"one that has to be changed": {`UPDATE accounts SET must_change = TRUE WHERE id = $1`, `UPDATE accounts SET must_change = FALSE WHERE id = $1`},
		"a factor that is needed":    {`UPDATE accounts SET second_required = TRUE WHERE id = $1`, `UPDATE accounts SET second_required = FALSE WHERE id = $1`},
		"a factor": {`INSERT INTO totp (account, secret, confirmed_at, last_step) VALUES ($1, 'x', 1, 0)`,
			`DELETE FROM totp WHERE account = $1`},
	} {
		w.exec(t, change[0], w.ann)
		if err := issue(); !errors.Is(err, grant.ErrPassword) {
			t.Errorf("%s: %v", name, err)
		}
		w.exec(t, change[1], w.ann)
	}
	must(t, issue())
}

func (w *world) clients() *client.Desk {
	clients := client.New(client.Options{DB: w.db, Store: w.store, Journal: w.journal, Now: w.clock.Now, Log: slog.New(slog.DiscardHandler)})
	clients.OnRevoke = w.ClientEnded
	return clients
}

func grantedToDisabled(t *testing.T, w *world) {
	s := w.session(t)
	must(t, w.clients().Disable(t.Context(), w.app, by))
	gone := w.fresh(t)
	must(t, w.clients().Remove(t.Context(), gone.app, by))
	for name, g := range map[string]grant.Grant{"disabled": w.grant(s), "removed": gone.grant(gone.session(t))} {
		if code, _, err := w.IssueCode(t.Context(), g, grant.Code{}, by); !errors.Is(err, grant.ErrClient) || code != "" {
			t.Errorf("%s: a code: %v", name, err)
		}
		if _, refresh, err := w.Issue(t.Context(), g, life, by); !errors.Is(err, grant.ErrClient) || refresh != "" {
			t.Errorf("%s: a refresh token: %v", name, err)
		}
	}
	must(t, w.clients().Enable(t.Context(), w.app, by))
	if _, _, err := w.Issue(t.Context(), w.grant(s), life, by); err != nil {
		t.Errorf("enabled again: %v", err)
	}
}

// disabledMeanwhile disables an application among requests that have found it
// active.
func disabledMeanwhile(t *testing.T, w *world) {
	s := w.session(t)
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			if i == 12 {
				if err := w.clients().Disable(t.Context(), w.app, by); err != nil {
					t.Error(err)
				}
				return
			}
			if _, _, err := w.Issue(t.Context(), w.offline(s), life, by); err != nil && !errors.Is(err, grant.ErrClient) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if left, err := w.OfAccount(t.Context(), w.ann); err != nil || len(left) != 0 {
		t.Errorf("%d grants are left: %v", len(left), err)
	}
}

func noRefresh(t *testing.T, w *world) {
	code, _, err := w.IssueCode(t.Context(), w.grant(w.session(t)), grant.Code{}, by)
	must(t, err)
	g, refresh, err := w.RedeemCode(t.Context(), code, anyCode, grant.RefreshLife{}, by)
	if err != nil || refresh != "" || !g.EndsAt.Equal(w.clock.Now().Add(grant.AccessMost)) {
		t.Errorf("%+v, %q, %v", g, refresh, err)
	}
}

func withoutBrowser(t *testing.T, w *world) {
	s := w.session(t)
	g := w.grant(s)
	g.Session = ""
	g, refresh, err := w.Issue(t.Context(), g, life, by)
	must(t, err)
	must(t, w.sessions.End(t.Context(), w.ann, s.ID, by))
	if _, err := w.Live(t.Context(), g.ID); err != nil || !w.lives(t, refresh) {
		t.Errorf("it ended with a session: %v", err)
	}
	_, err = w.sessions.EndOthers(t.Context(), w.ann, "", by)
	must(t, err)
	if _, err := w.Live(t.Context(), g.ID); !errors.Is(err, grant.ErrOver) {
		t.Errorf("it lives on: %v", err)
	}
}

func begunRecorded(t *testing.T, w *world) {
	s := w.session(t)
	g, refresh := w.issue(t, w.grant(s))
	w.refresh(t, refresh)
	want := []string{`app_1 grant.begun {"account":"` + w.ann + `","client":"` + w.app + `","scopes":"openid email","session":"` + s.ID + `"}`}
	if diff := cmp.Diff(want, w.recorded(t, g.ID)); diff != "" {
		t.Error(diff)
	}
}

// What fails in the middle leaves the code as it was.
func TestRedemptionIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations"))).fresh(t)
	code, begun, err := w.IssueCode(t.Context(), w.grant(w.session(t)), grant.Code{}, by)
	must(t, err)
	w.exec(t, `CREATE TRIGGER full BEFORE INSERT ON refresh_tokens BEGIN SELECT RAISE(ABORT, 'full'); END`)
	if _, refresh, err := w.RedeemCode(t.Context(), code, anyCode, life, by); err == nil || refresh != "" || errors.Is(err, grant.ErrCode) {
		t.Fatalf("redeemed while nothing can be written: %v", err)
	}
	w.exec(t, `DROP TRIGGER full`)
	g, refresh, err := w.RedeemCode(t.Context(), code, anyCode, life, by)
	if err != nil || g.ID != begun.ID || !w.lives(t, refresh) {
		t.Errorf("the next try: %v", err)
	}
}
