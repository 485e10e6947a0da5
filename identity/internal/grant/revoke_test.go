package grant_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/session"
	"guildhall/platform/db"
)

func TestRevoke(t *testing.T) {
	each(t, map[string]func(*testing.T, *world){
		"a grant":                                  revokedGrant,
		"a token":                                  revokedToken,
		"a client":                                 revokedClient,
		"a token of a grant that does not live":    revokedWithItsGrant,
		"what began in a session":                  begunInSession,
		"what an account allowed":                  allowedByAccount,
		"numbers have no gaps":                     numbered,
		"a session ends with what ends with it":    endsWhole,
		"back-channel logout sees what is to end":  seenBeforeTheEnd,
		"the services are told of each that ended": toldOfEach,
		"services' own sessions end too":           toldOfSessions,
	})
}

func (w *world) revoked(t *testing.T, jti, grantID string, issued time.Time) bool {
	t.Helper()
	revoked, err := w.Revoked(t.Context(), jti, grantID, w.app, issued)
	must(t, err)
	return revoked
}

func revokedGrant(t *testing.T, w *world) {
	g, refresh := w.issue(t, w.offline(w.session(t)))
	now := w.clock.Now()
	if w.revoked(t, "jti", g.ID, now) {
		t.Error("it is revoked before")
	}
	for range 2 {
		must(t, w.Revoke(t.Context(), g.ID, grant.WhyWithdrawn, by))
	}
	must(t, w.Revoke(t.Context(), "gnt_unknown", grant.WhyWithdrawn, by))
	if !w.revoked(t, "jti", g.ID, now) || w.lives(t, refresh) || w.revoked(t, "jti", "", now) {
		t.Error("the wrong tokens are revoked")
	}
	if lines := w.recorded(t, g.ID); len(lines) != 2 {
		t.Errorf("recorded %q", lines)
	}
	if got := w.revocations(t, g.ID); len(got) != 1 || got[0] != "grant until 1h0m0s" {
		t.Errorf("revocations %q", got)
	}
}

// revocations are those of a subject, and until when after now.
func (w *world) revocations(t *testing.T, subject string) (all []string) {
	t.Helper()
	rows, err := w.db.Read.QueryContext(t.Context(), `SELECT kind, expires_at FROM revocations WHERE subject = $1 ORDER BY seq`, subject)
	must(t, err)
	defer func() { must(t, rows.Close()) }()
	for rows.Next() {
		var kind string
		var expires int64
		must(t, rows.Scan(&kind, &expires))
		all = append(all, fmt.Sprint(kind, " until ", db.FromMicros(expires).Sub(w.clock.Now())))
	}
	must(t, rows.Err())
	return all
}

func revokedToken(t *testing.T, w *world) {
	g, _ := w.issue(t, w.offline(w.session(t)))
	now := w.clock.Now()
	jti, over := "jti-"+w.app, "over-"+w.app
	must(t, w.RevokeAccess(t.Context(), jti, now.Add(10*time.Minute), by))
	must(t, w.RevokeAccess(t.Context(), over, now, by))
	if !w.revoked(t, jti, g.ID, now) || !w.revoked(t, jti, "", now) || w.revoked(t, "other", g.ID, now) || w.revoked(t, over, g.ID, now) {
		t.Error("the wrong tokens are revoked")
	}
	if got := w.revocations(t, jti); len(got) != 1 || got[0] != "token until 10m0s" || w.revocations(t, over) != nil {
		t.Errorf("revocations %q", got)
	}
}

func revokedClient(t *testing.T, w *world) {
	g, refresh := w.issue(t, w.offline(w.session(t)))
	other := w.fresh(t)
	kept, keptRefresh := other.issue(t, other.offline(other.session(t)))
	w.clock.Advance(time.Minute)
	now := w.clock.Now()
	must(t, w.db.Group(t.Context(), func(tx *sql.Tx) error {
		if err := w.journal.Begin(t.Context(), tx); err != nil {
			return err
		}
		return w.ClientEnded(t.Context(), tx, w.app)
	}))
	if !w.revoked(t, "jti", g.ID, now) || !w.revoked(t, "jti", "", now.Add(-time.Minute)) || w.revoked(t, "jti", "", now.Add(time.Second)) || w.lives(t, refresh) {
		t.Error("the wrong tokens of the client are revoked")
	}
	if other.revoked(t, "jti", kept.ID, now) || !other.lives(t, keptRefresh) {
		t.Error("another client's tokens are revoked")
	}
}

func revokedWithItsGrant(t *testing.T, w *world) {
	now := w.clock.Now()
	s := w.session(t)
	bound, _ := w.issue(t, w.grant(s))
	bob := w.fresh(t)
	disabled, _ := bob.issue(t, bob.offline(bob.session(t)))
	bob.exec(t, `UPDATE accounts SET state = 'disabled' WHERE id = $1`, bob.ann)
	carol := w.fresh(t)
	deleted, _ := carol.issue(t, carol.offline(carol.session(t)))
	carol.exec(t, `DELETE FROM accounts WHERE id = $1`, carol.ann)
	for name, id := range map[string]string{"unknown": "gnt_x", "disabled": disabled.ID, "deleted": deleted.ID} {
		if !w.revoked(t, "jti", id, now) {
			t.Errorf("%s: not revoked", name)
		}
	}
	if w.revoked(t, "jti", bound.ID, now) {
		t.Error("revoked before its session is over")
	}
	w.clock.Advance(13 * time.Hour)
	if !w.revoked(t, "jti", bound.ID, now) {
		t.Error("its session idled away")
	}
}

func ids(all []grant.Grant) (ids []string) {
	for _, g := range all {
		ids = append(ids, g.ID)
	}
	return ids
}

func begunInSession(t *testing.T, w *world) {
	s := w.session(t)
	first, _ := w.issue(t, w.grant(s))
	w.clock.Advance(time.Second)
	second, _ := w.issue(t, w.offline(s))
	gone, _ := w.issue(t, w.grant(s))
	w.issue(t, w.grant(w.session(t)))
	must(t, w.Revoke(t.Context(), gone.ID, grant.WhyRevoked, by))
	w.clock.Advance(40 * 24 * time.Hour)
	got, err := w.OfSession(t.Context(), s.ID)
	must(t, err)
	if diff := cmp.Diff([]string{second.ID, first.ID}, ids(got)); diff != "" {
		t.Error(diff)
	}
}

func allowedByAccount(t *testing.T, w *world) {
	s := w.session(t)
	first, _ := w.issue(t, w.offline(s))
	w.clock.Advance(time.Second)
	second, _ := w.issue(t, w.grant(s))
	gone, _ := w.issue(t, w.grant(s))
	must(t, w.Revoke(t.Context(), gone.ID, grant.WhyRevoked, by))
	bob := w.fresh(t)
	bob.issue(t, bob.grant(bob.session(t)))
	got, err := w.OfAccount(t.Context(), w.ann)
	must(t, err)
	if diff := cmp.Diff([]grant.Grant{second, first}, got); diff != "" {
		t.Error(diff)
	}
	w.clock.Advance(13 * time.Hour)
	if got, err = w.OfAccount(t.Context(), w.ann); err != nil || cmp.Diff([]string{first.ID}, ids(got)) != "" {
		t.Errorf("after the session: %q, %v", ids(got), err)
	}
}

// Many revoke at once, and what is over is deleted in between: who follows the
// numbers misses nothing.
func numbered(t *testing.T, w *world) {
	last := func() (n int64) {
		must(t, w.db.Read.QueryRowContext(t.Context(), `SELECT COALESCE(MAX(seq), 0) FROM revocations`).Scan(&n))
		return n
	}
	for range 3 {
		before := last()
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if err := w.RevokeAccess(context.Background(), fmt.Sprint("jti", i), w.clock.Now().Add(time.Minute), by); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		var n int64
		must(t, w.db.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM revocations WHERE seq > $1`, before).Scan(&n))
		if n != 40 || last() != before+40 {
			t.Errorf("%d rows after %d, the last is %d", n, before, last())
		}
		w.clock.Advance(26 * time.Hour)
		must(t, w.Purge(t.Context()))
		if w.rows(t, "revocations") != 1 || last() != before+40 {
			t.Errorf("%d rows are left, the last is %d", w.rows(t, "revocations"), last())
		}
	}
}

// When what ends with a session cannot end, the session does not either.
func endsWhole(t *testing.T, w *world) {
	s := w.session(t)
	_, token := w.issue(t, w.grant(s))
	stop := errors.New("stop")
	w.sessions.Ended = func(ctx context.Context, tx *sql.Tx, e session.Ended) error {
		return errors.Join(w.SessionsEnded(ctx, tx, e), stop)
	}
	defer func() { w.sessions.Ended = w.SessionsEnded }()
	if err := w.sessions.End(t.Context(), w.ann, s.ID, by); !errors.Is(err, stop) || !w.lives(t, token) {
		t.Errorf("half ended: %v", err)
	}
	if _, err := w.sessions.EndOthers(t.Context(), w.ann, "", by); !errors.Is(err, stop) || !w.lives(t, token) {
		t.Errorf("half ended: %v", err)
	}
}

func seenBeforeTheEnd(t *testing.T, w *world) {
	one, two, keep := w.session(t), w.session(t), w.session(t)
	tool := w.application(t)
	with := func(g grant.Grant, app string) grant.Grant { g.Client = app; return g }
	w.issue(t, w.grant(one))
	w.issue(t, w.offline(one))
	w.issue(t, with(w.offline(two), tool))
	w.issue(t, w.grant(keep))
	revoked, _ := w.issue(t, w.grant(two))
	must(t, w.Revoke(t.Context(), revoked.ID, grant.WhyRevoked, by))
	var ended session.Ended
	seen := map[string][]string{}
	w.sessions.Ended = func(ctx context.Context, tx *sql.Tx, e session.Ended) (err error) {
		ended = e
		for _, id := range e.Sessions {
			if seen[id], err = w.ClientsIn(ctx, tx, id); err != nil {
				return err
			}
		}
		return w.SessionsEnded(ctx, tx, e)
	}
	defer func() { w.sessions.Ended = w.SessionsEnded }()
	n, err := w.sessions.EndOthers(t.Context(), w.ann, keep.ID, by)
	must(t, err)
	if diff := cmp.Diff(map[string][]string{one.ID: {w.app}, two.ID: {tool}}, seen); diff != "" || n != 2 {
		t.Errorf("%d ended:\n%s", n, diff)
	}
	if !ended.All || ended.Except != keep.ID || ended.Account != w.ann || len(ended.Sessions) != 2 {
		t.Errorf("told %+v", ended)
	}
}

func toldOfEach(t *testing.T, w *world) {
	s := w.session(t)
	a, _ := w.issue(t, w.grant(s))
	b, _ := w.issue(t, w.grant(s))
	c, _ := w.issue(t, w.offline(s))
	must(t, w.sessions.End(t.Context(), w.ann, s.ID, by))
	for id, want := range map[string]int{a.ID: 1, b.ID: 1, c.ID: 0} {
		if got := w.revocations(t, id); len(got) != want {
			t.Errorf("%s: %q, want %d", id, got, want)
		}
	}
}

// What services keep for a browser lives by the session; what they keep of an account
// goes on in a session that is spared.
func toldOfSessions(t *testing.T, w *world) {
	one, two, keep := w.session(t), w.session(t), w.session(t)
	expect := func(subject string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, w.revocations(t, subject)); diff != "" {
			t.Errorf("%s: %s", subject, diff)
		}
	}
	must(t, w.sessions.End(t.Context(), w.ann, one.ID, by))
	expect(one.ID, "session until 25h0m0s")
	_, err := w.sessions.EndOthers(t.Context(), w.ann, keep.ID, by)
	must(t, err)
	expect(one.ID, "session until 25h0m0s")
	expect(two.ID, "session until 25h0m0s")
	expect(keep.ID)
	expect(w.ann)
	_, err = w.sessions.EndOthers(t.Context(), w.ann, "", by)
	must(t, err)
	expect(keep.ID, "session until 25h0m0s")
	expect(w.ann, "account until 25h0m0s")
}
