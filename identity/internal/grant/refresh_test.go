package grant_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/grant"
	"guildhall/platform/audit"
	"guildhall/platform/seal"
)

func TestRefresh(t *testing.T) {
	each(t, map[string]func(*testing.T, *world){
		"each token gets another":                          rotates,
		"a token is handed out again in its window":        handedOutAgain,
		"a token that is used again later ends the family": reuse,
		"a made up token of a family ends it":              madeUp,
		"texts that are no tokens":                         noTokens,
		"a check that refuses changes nothing":             checked,
		"a token that is not used ends":                    idles,
		"a family ends however much it is used":            absolute,
		"a client that may refresh no more does not":       mayNoMore,
		"it ends with its session":                         endsWithSession,
		"an offline grant outlives its session":            outlives,
		"signing out everywhere ends what is offline":      everywhere,
		"it keeps its session alive":                       touches,
		"its session idles away":                           sessionIdles,
		"a disabled account gets nothing":                  disabledAccount,
		"a token is not in the database":                   hidden,
		"more than the window knows":                       manyInAWindow,
		"revoked by its client":                            revokedByClient,
	})
}

func rotates(t *testing.T, w *world) {
	g, token := w.issue(t, w.offline(w.session(t)))
	seen := map[string]bool{token: true}
	for range 20 {
		w.clock.Advance(time.Hour)
		got, next, err := w.Refresh(t.Context(), token, anyGrant, life, by)
		must(t, err)
		if diff := cmp.Diff(g, got); diff != "" || seen[next] || w.lives(t, token) || !w.lives(t, next) {
			t.Fatalf("refreshed %s to %s:\n%s", token, next, diff)
		}
		seen[next], token = true, next
	}
	if n := w.families(t, g.ID); n != 1 {
		t.Errorf("%d rows are kept of a family", n)
	}
}

func (w *world) families(t *testing.T, id string) (n int) {
	must(t, w.db.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM refresh_tokens WHERE grant_id = $1`, id).Scan(&n))
	return n
}

func handedOutAgain(t *testing.T, w *world) {
	_, first := w.issue(t, w.offline(w.session(t)))
	second := w.refresh(t, first)
	w.clock.Advance(29 * time.Second)
	if again := w.refresh(t, first); again != second {
		t.Errorf("got %q and then %q", second, again)
	}
	third := w.refresh(t, second)
	if again := w.refresh(t, first); again != third {
		t.Errorf("who is late by two gets %q and not the good one %q", again, third)
	}
	w.clock.Advance(2 * time.Second)
	if again := w.refresh(t, second); again != third || !w.lives(t, third) {
		t.Errorf("the second's window: %q and not %q", again, third)
	}
	w.refused(t, first)
	if w.lives(t, third) {
		t.Error("the family lives after a reuse")
	}
}

func reuse(t *testing.T, w *world) {
	g, first := w.issue(t, w.offline(w.session(t)))
	second := w.refresh(t, first)
	w.clock.Advance(grant.DefaultGrace)
	thief := audit.Caller{Actor: "app_1", From: "198.51.100.9"}
	for range 2 {
		if _, next, err := w.Refresh(t.Context(), first, anyGrant, life, thief); !errors.Is(err, grant.ErrRefresh) || next != "" {
			t.Fatalf("refreshed: %v", err)
		}
	}
	w.refused(t, second)
	if _, err := w.Live(t.Context(), g.ID); !errors.Is(err, grant.ErrOver) {
		t.Errorf("the grant lives on: %v", err)
	}
	lines := w.recorded(t, g.ID)
	want := []string{
		`app_1 grant.revoked {"account":"` + w.ann + `","client":"` + w.app + `","why":"reuse"}`,
		`app_1 grant.refresh_reused {"account":"` + w.ann + `","client":"` + w.app + `"}`,
	}
	if diff := cmp.Diff(want, lines[1:]); diff != "" {
		t.Error(diff)
	}
	log := w.log.String()
	if !strings.Contains(log, g.ID) || strings.Contains(log, first) || strings.Contains(log, second) {
		t.Errorf("the log says %s", log)
	}
}

func madeUp(t *testing.T, w *world) {
	_, token := w.issue(t, w.offline(w.session(t)))
	w.refused(t, "AAAA"+token[4:])
	if !w.lives(t, token) {
		t.Fatal("a token of no family ended one")
	}
	w.refused(t, token[:60]+"AAAA")
	if w.lives(t, token) {
		t.Error("who knows half a token may guess the rest")
	}
}

func noTokens(t *testing.T, w *world) {
	_, token := w.issue(t, w.offline(w.session(t)))
	for _, text := range []string{"", "x", token[1:], token + "A", token + "=", token + "\n", "\n" + token[:63], strings.Repeat("A", 1<<20), token[:63] + "+", token[:32]} {
		w.refused(t, text)
		if revoked, err := w.RevokeRefresh(t.Context(), text, w.app, by); err != nil || revoked {
			t.Errorf("%.70q: revoked %v, %v", text, revoked, err)
		}
	}
	if !w.lives(t, token) {
		t.Error("the token is dead")
	}
}

func checked(t *testing.T, w *world) {
	_, first := w.issue(t, w.offline(w.session(t)))
	no := func(g grant.Grant) error {
		if g.Client != w.app {
			t.Errorf("checks %+v", g)
		}
		return errWrong
	}
	if _, _, err := w.Refresh(t.Context(), first, no, life, by); !errors.Is(err, errWrong) || !w.lives(t, first) {
		t.Errorf("refreshed: %v", err)
	}
	second := w.refresh(t, first)
	w.clock.Advance(time.Hour)
	if _, _, err := w.Refresh(t.Context(), first, no, life, by); !errors.Is(err, errWrong) || !w.lives(t, second) {
		t.Errorf("another application ended the family: %v", err)
	}
}

func idles(t *testing.T, w *world) {
	_, token := w.issue(t, w.offline(w.session(t)))
	w.clock.Advance(life.Idle - time.Microsecond)
	token = w.refresh(t, token)
	w.clock.Advance(life.Idle)
	w.refused(t, token)
}

func absolute(t *testing.T, w *world) {
	short := grant.RefreshLife{Idle: time.Hour, Absolute: 2 * time.Hour}
	g, token, err := w.Issue(t.Context(), w.offline(w.session(t)), short, by)
	must(t, err)
	for range 3 {
		w.clock.Advance(39 * time.Minute)
		_, token, err = w.Refresh(t.Context(), token, anyGrant, life, by) // the client's life was raised since
		must(t, err)
	}
	if _, expires, err := w.ByRefresh(t.Context(), token); err != nil || !expires.Equal(g.MadeAt.Add(short.Absolute)) {
		t.Errorf("until %v: %v", expires, err)
	}
	w.clock.Advance(3 * time.Minute)
	w.refused(t, token)
}

func mayNoMore(t *testing.T, w *world) {
	_, token := w.issue(t, w.offline(w.session(t)))
	if _, next, err := w.Refresh(t.Context(), token, anyGrant, grant.RefreshLife{}, by); !errors.Is(err, grant.ErrRefresh) || next != "" {
		t.Errorf("refreshed: %v", err)
	}
}

func endsWithSession(t *testing.T, w *world) {
	s, other := w.session(t), w.session(t)
	g, token := w.issue(t, w.grant(s))
	_, others := w.issue(t, w.grant(other))
	must(t, w.sessions.End(t.Context(), w.ann, s.ID, by))
	w.refused(t, token)
	if !w.lives(t, others) {
		t.Error("another session's token ended")
	}
	lines := w.recorded(t, g.ID)
	if want := `system grant.revoked {"account":"` + w.ann + `","client":"` + w.app + `","why":"logout"}`; lines[len(lines)-1] != want {
		t.Errorf("recorded %q", lines)
	}
}

func outlives(t *testing.T, w *world) {
	s := w.session(t)
	_, token := w.issue(t, w.offline(s))
	must(t, w.sessions.End(t.Context(), w.ann, s.ID, by))
	w.refresh(t, token)
}

func everywhere(t *testing.T, w *world) {
	here, there := w.session(t), w.session(t)
	_, mine := w.issue(t, w.offline(here))
	_, theirs := w.issue(t, w.offline(there))
	over := w.session(t)
	_, old := w.issue(t, w.offline(over))
	must(t, w.sessions.End(t.Context(), w.ann, over.ID, by))
	bob := w.fresh(t)
	_, bobs := bob.issue(t, bob.offline(bob.session(t)))
	_, err := w.sessions.EndOthers(t.Context(), w.ann, here.ID, by)
	must(t, err)
	w.refused(t, theirs)
	w.refused(t, old)
	if !w.lives(t, mine) || !w.lives(t, bobs) {
		t.Error("more ended than was to")
	}
	_, err = w.sessions.EndOthers(t.Context(), w.ann, "", by)
	must(t, err)
	w.refused(t, mine)
}

func touches(t *testing.T, w *world) {
	s := w.session(t)
	_, token := w.issue(t, w.grant(s))
	for range 4 {
		w.clock.Advance(11 * time.Hour)
		token = w.refresh(t, token)
	}
	all, err := w.sessions.List(t.Context(), w.ann)
	if err != nil || len(all) != 1 || !all[0].SeenAt.Equal(w.clock.Now()) || !all[0].IdleUntil.Equal(w.clock.Now().Add(12*time.Hour)) {
		t.Errorf("sessions %+v, %v", all, err)
	}
}

func sessionIdles(t *testing.T, w *world) {
	_, token := w.issue(t, w.grant(w.session(t)))
	_, offline := w.issue(t, w.offline(w.session(t)))
	w.clock.Advance(11 * time.Hour)
	offline = w.refresh(t, offline) // is no use of a session
	w.clock.Advance(time.Hour)
	w.refused(t, token)
	w.refresh(t, offline)
}

func disabledAccount(t *testing.T, w *world) {
	_, token := w.issue(t, w.offline(w.session(t)))
	w.exec(t, `UPDATE accounts SET state = 'disabled' WHERE id = $1`, w.ann)
	w.refused(t, token)
}

// Neither the database nor the key, nor both, tell a token.
func hidden(t *testing.T, w *world) {
	g, first := w.issue(t, w.offline(w.session(t)))
	second := w.refresh(t, first)
	raw, err := base64.RawURLEncoding.DecodeString(second)
	must(t, err)
	var family, token, sealed, replaced []byte
	must(t, w.db.Read.QueryRowContext(t.Context(), `SELECT family, token, sealed, replaced FROM refresh_tokens WHERE grant_id = $1`, g.ID).
		Scan(&family, &token, &sealed, &replaced))
	for _, kept := range [][]byte{family, token, sealed, replaced} {
		if bytes.Contains(kept, raw[:8]) || bytes.Contains(kept, raw[24:32]) {
			t.Errorf("the database has a part of the token: %x", kept)
		}
	}
	// What lies sealed in one row does not open in another one's.
	g2, other := w.issue(t, w.offline(w.session(t)))
	w.refresh(t, other)
	w.exec(t, `UPDATE refresh_tokens SET sealed = $1 WHERE grant_id = $2`, sealed, g2.ID)
	if _, next, err := w.Refresh(t.Context(), other, anyGrant, life, by); err == nil || next != "" || errors.Is(err, grant.ErrRefresh) {
		t.Errorf("another's token came out: %v", err)
	}
	// Nor under another key.
	stranger := node(t, w.db, w.key, w.clock)
	stranger.Desk = grant.New(grant.Options{Store: w.store, Journal: w.journal, Key: seal.NewKey("identity"), Sessions: w.sessions, Now: w.clock.Now})
	if _, next, err := stranger.Refresh(t.Context(), first, anyGrant, life, by); err == nil || next != "" {
		t.Errorf("it opens under another key: %v", err)
	}
}

// A row stays small however often a token is replaced at once.
func manyInAWindow(t *testing.T, w *world) {
	g, token := w.issue(t, w.offline(w.session(t)))
	for range 100 {
		token = w.refresh(t, token)
	}
	var size int
	must(t, w.db.Read.QueryRowContext(t.Context(), `SELECT LENGTH(replaced) FROM refresh_tokens WHERE grant_id = $1`, g.ID).Scan(&size))
	if size > 1000 || !w.lives(t, token) {
		t.Errorf("%d bytes", size)
	}
	w.clock.Advance(time.Hour)
	w.refresh(t, token)
	must(t, w.db.Read.QueryRowContext(t.Context(), `SELECT LENGTH(replaced) FROM refresh_tokens WHERE grant_id = $1`, g.ID).Scan(&size))
	if size != 40 {
		t.Errorf("%d bytes for one that was replaced", size)
	}
}

func revokedByClient(t *testing.T, w *world) {
	g, first := w.issue(t, w.offline(w.session(t)))
	second := w.refresh(t, first)
	w.clock.Advance(time.Hour)
	if revoked, err := w.RevokeRefresh(t.Context(), first, "app_other", by); err != nil || revoked || !w.lives(t, second) {
		t.Errorf("another client revoked it: %v, %v", revoked, err)
	}
	if revoked, err := w.RevokeRefresh(t.Context(), first, w.app, by); err != nil || !revoked || w.lives(t, second) {
		t.Errorf("revoked by one that was replaced: %v, %v", revoked, err)
	}
	if revoked, err := w.RevokeRefresh(t.Context(), second, w.app, by); err != nil || !revoked {
		t.Errorf("revoked again: %v, %v", revoked, err)
	}
	if lines := w.recorded(t, g.ID); len(lines) != 2 || !strings.Contains(lines[1], `"why":"revoked"`) {
		t.Errorf("recorded %q", lines)
	}
}
