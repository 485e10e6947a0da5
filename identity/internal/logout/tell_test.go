package logout_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/session"
	"guildhall/platform/jobs"
)

// payloads are what the jobs hold, sorted.
func (w *world) payloads(t *testing.T) (all []string) {
	t.Helper()
	for _, j := range w.jobs(t, "") {
		all = append(all, string(j.Payload))
	}
	slices.Sort(all)
	return all
}

func notice(client, account, session string) string {
	text := `{"client":"` + client + `","account":"` + account + `"`
	if session != "" {
		text += `,"session":"` + session + `"`
	}
	return text + "}"
}

func TestWhoIsToldThatSessionsEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := w.application(t, nil)
		news := w.application(t, func(m *client.Metadata) { m.BackchannelSession = false })
		mute := w.application(t, func(m *client.Metadata) { m.BackchannelLogoutURI, m.BackchannelSession = "", false })
		one, two, keep := w.session(t, w.ann), w.session(t, w.ann), w.session(t, w.ann)
		bens := w.session(t, w.Account(t, "ben@example.com").ID)
		for _, c := range []client.Client{shop, shop, news, mute} {
			w.signsIn(t, one, c)
			w.signsIn(t, two, c)
		}
		w.signsIn(t, keep, shop)
		w.signsIn(t, bens, shop)
		gone := w.application(t, nil)
		g := w.signsIn(t, one, gone)
		must(t, w.grants.Revoke(t.Context(), g.ID, "revoked", identitytest.By))

		ended, err := w.sessions.EndOthers(t.Context(), w.ann, keep.ID, identitytest.By)
		if err != nil || ended != 2 {
			t.Fatalf("%d ended, %v", ended, err)
		}
		want := []string{notice(shop.ID, w.ann, one.ID), notice(shop.ID, w.ann, two.ID), notice(news.ID, w.ann, "")}
		slices.Sort(want)
		if diff := cmp.Diff(want, w.payloads(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestNobodyIsToldOfASessionThatDidNotEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.session(t, w.ann)
		w.signsIn(t, s, w.application(t, nil))
		inner, stop := w.sessions.Ended, errors.New("stop")
		w.sessions.Ended = func(ctx context.Context, tx *sql.Tx, e session.Ended) error {
			return errors.Join(inner(ctx, tx, e), stop)
		}
		if err := w.sessions.End(t.Context(), w.ann, s.ID, identitytest.By); !errors.Is(err, stop) {
			t.Fatalf("it ended: %v", err)
		}
		if all := w.payloads(t); len(all) != 0 {
			t.Errorf("told of %q", all)
		}
	})
}

func TestLogoutToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.runs(t)
		s := w.session(t, w.ann)
		shop := w.application(t, nil)
		news := w.application(t, func(m *client.Metadata) {
			m.BackchannelSession, m.BackchannelLogoutURI, m.IDTokenAlgorithm = false, "https://news.example/told", "RS256"
		})
		w.signsIn(t, s, shop)
		w.signsIn(t, s, news)
		must(t, w.sessions.End(t.Context(), w.ann, s.ID, identitytest.By))
		eventually(t, "both are told", func() bool { return len(w.jobs(t, jobs.Done)) == 2 })
		now := float64(w.Clock.Now().Unix())
		seen := map[string]bool{}
		for _, m := range w.messages() {
			token, err := w.minter.Signing.Verify(t.Context(), m.Token)
			must(t, err)
			var said map[string]any
			must(t, json.Unmarshal(token.Payload, &said))
			want := map[string]any{"iss": issuer, "sub": w.ann, "aud": shop.ID, "sid": s.ID, "iat": now, "exp": now + 120, "jti": said["jti"],
				"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
			algorithm := "ES256"
			if m.URI != told {
				want["aud"], algorithm = news.ID, "RS256"
				delete(want, "sid")
			}
			if diff := cmp.Diff(want, said); diff != "" || token.Type != "logout+jwt" || token.Algorithm != algorithm {
				t.Errorf("%s: %s %s (-want +got):\n%s", m.URI, token.Type, token.Algorithm, diff)
			}
			seen[said["jti"].(string)] = true
		}
		if len(seen) != 2 || seen[""] {
			t.Errorf("the ids are %v", seen)
		}
	})
}

// An application that is away is told for about an hour, each time by a token of
// its own that lives two minutes; then the job is dead and an administrator sees
// it.
func TestLogoutIsToldAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.away(errAway)
		w.runs(t)
		s := w.session(t, w.ann)
		w.signsIn(t, s, w.application(t, nil))
		begun := w.Clock.Now()
		must(t, w.sessions.End(t.Context(), w.ann, s.ID, identitytest.By))
		const attempts = 12
		ids := map[any]bool{}
		for n := 1; n <= attempts; n++ {
			var j jobs.Job
			eventually(t, "an attempt is over", func() bool {
				j = w.jobs(t, "")[0]
				return j.Attempt == n && j.State != jobs.Running
			})
			m := w.messages()
			if len(m) != n || !strings.Contains(j.Error, errAway.Error()) || strings.Contains(j.Error, m[n-1].Token) {
				t.Fatalf("attempt %d: %d messages, %q", n, len(m), j.Error)
			}
			token, err := w.minter.Signing.Verify(t.Context(), m[n-1].Token)
			must(t, err)
			var said map[string]any
			must(t, json.Unmarshal(token.Payload, &said))
			if ids[said["jti"]] || said["exp"] != float64(w.Clock.Now().Add(mint.LogoutLife).Unix()) {
				t.Errorf("attempt %d: %v", n, said)
			}
			ids[said["jti"]] = true
			if (j.State == jobs.Dead) != (n == attempts) {
				t.Fatalf("attempt %d: %s", n, j.State)
			}
			if n < attempts {
				w.Clock.Set(j.Due)
			}
		}
		if took := w.Clock.Now().Sub(begun); took < 45*time.Minute || took > 75*time.Minute {
			t.Errorf("given up after %s", took)
		}
	})
}

func TestLogoutArrivesWhenTheApplicationIsBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.away(errAway)
		w.runs(t)
		s := w.session(t, w.ann)
		w.signsIn(t, s, w.application(t, nil))
		must(t, w.sessions.End(t.Context(), w.ann, s.ID, identitytest.By))
		eventually(t, "it fails once", func() bool { return len(w.messages()) == 1 && w.jobs(t, "")[0].State == jobs.Waiting })
		w.away(nil)
		w.Clock.Set(w.jobs(t, "")[0].Due)
		eventually(t, "it is told", func() bool { return len(w.jobs(t, jobs.Done)) == 1 })
		if n := len(w.messages()); n != 2 {
			t.Errorf("told %d times", n)
		}
	})
}

// What an application became before it is told decides.
func TestLogoutOfApplicationsThatChanged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.session(t, w.ann)
		removed, disabled, mute, moved := w.application(t, nil), w.application(t, nil), w.application(t, nil), w.application(t, nil)
		for _, c := range []client.Client{removed, disabled, mute, moved} {
			w.signsIn(t, s, c)
		}
		must(t, w.sessions.End(t.Context(), w.ann, s.ID, identitytest.By))
		must(t, w.clients.Remove(t.Context(), removed.ID, identitytest.By))
		must(t, w.clients.Disable(t.Context(), disabled.ID, identitytest.By))
		change := func(c client.Client, uri string) {
			c.BackchannelLogoutURI, c.BackchannelSession = uri, uri != ""
			_, err := w.clients.Update(t.Context(), c.ID, c.Metadata, time.Time{}, identitytest.By)
			must(t, err)
		}
		change(mute, "")
		change(moved, "https://moved.example/told")
		w.runs(t)
		eventually(t, "all jobs are done", func() bool { return len(w.jobs(t, jobs.Done)) == 4 })
		if sent := w.messages(); len(sent) != 1 || sent[0].URI != "https://moved.example/told" {
			t.Errorf("sent %v", sent)
		}
	})
}

// One grant of each application is enough, and many hide none.
func TestManyGrantsInOneSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.session(t, w.ann)
		shop, news := w.application(t, nil), w.application(t, nil)
		w.signsIn(t, s, news)
		for range 50 {
			w.signsIn(t, s, shop)
		}
		must(t, w.sessions.End(t.Context(), w.ann, s.ID, identitytest.By))
		want := []string{notice(shop.ID, w.ann, s.ID), notice(news.ID, w.ann, s.ID)}
		slices.Sort(want)
		if diff := cmp.Diff(want, w.payloads(t)); diff != "" {
			t.Error(diff)
		}
	})
}
