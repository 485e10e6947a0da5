package grant_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// Whatever was written goes again, in more batches than one.
func TestPurge(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d).fresh(t)
		s := w.session(t)
		var all sync.WaitGroup
		for i := range 1100 {
			all.Go(func() {
				_, err := w.Once(t.Context(), fmt.Sprint("jti", i), w.clock.Now().Add(time.Minute))
				if err == nil && i%4 == 0 {
					err = w.RevokeAccess(t.Context(), fmt.Sprint("jti", i), w.clock.Now().Add(time.Minute), by)
				}
				if err == nil && i%20 == 0 {
					_, _, err = w.Issue(t.Context(), grant.Grant{Account: w.ann, Client: w.app, Scopes: oauth.Scopes{"openid"}}, life, by)
				}
				if err == nil && i%20 == 1 {
					_, _, err = w.IssueCode(t.Context(), w.grant(s), grant.Code{}, by)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		counts := func() string {
			return fmt.Sprint(w.rows(t, "grants"), w.rows(t, "authorization_codes"), w.rows(t, "refresh_tokens"), w.rows(t, "replays"), w.rows(t, "revocations"))
		}
		want := func(when, want string) {
			t.Helper()
			must(t, w.Purge(t.Context()))
			if got := counts(); got != want {
				t.Errorf("%s: %s rows, want %s", when, got, want)
			}
		}
		want("at once", "110 55 55 1100 275")
		w.clock.Advance(time.Minute)
		want("after a minute", "56 1 55 0 1") // the session's last grant stays, and the last revocation
		w.clock.Advance(life.Idle)
		must(t, w.sessions.Purge(t.Context()))
		want("after the tokens", "55 0 0 0 1")
		w.clock.Advance(life.Absolute)
		want("in the end", "0 0 0 0 1")
	})
}

// An application that was signed in to again and again in one session is told once
// of its end, also when its tokens are over.
func TestTheLastGrantOfASessionStays(t *testing.T) {
	each(t, map[string]func(*testing.T, *world){"": func(t *testing.T, w *world) {
		s := w.session(t)
		none := grant.RefreshLife{}
		var last grant.Grant
		for range 3 {
			w.clock.Advance(time.Hour)
			code, _, err := w.IssueCode(t.Context(), w.grant(s), grant.Code{}, by)
			must(t, err)
			last, _, err = w.RedeemCode(t.Context(), code, anyCode, none, by)
			must(t, err)
		}
		w.clock.Advance(2 * time.Hour)
		must(t, w.Purge(t.Context()))
		got, err := w.OfSession(t.Context(), s.ID)
		if err != nil || len(got) != 1 || got[0].ID != last.ID {
			t.Errorf("left %q, %v", ids(got), err)
		}
		must(t, w.sessions.End(t.Context(), w.ann, s.ID, by))
		must(t, w.sessions.Purge(t.Context()))
		must(t, w.Purge(t.Context()))
		if got, err = w.OfSession(t.Context(), s.ID); err != nil || len(got) != 0 {
			t.Errorf("after the session: %q, %v", ids(got), err)
		}
	}})
}
