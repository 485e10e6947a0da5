package grant_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
)

func TestConsent(t *testing.T) {
	each(t, map[string]func(*testing.T, *world){
		"is kept and grows": consented,
		"is withdrawn":      withdrawn,
	})
}

func consented(t *testing.T, w *world) {
	made := w.clock.Now()
	if got, err := w.Consent(t.Context(), w.ann, w.app); err != nil || got != nil {
		t.Errorf("before: %q, %v", got, err)
	}
	for _, scopes := range []oauth.Scopes{{"openid", "email"}, {"email", "profile"}, {"openid"}} {
		must(t, w.SaveConsent(t.Context(), w.ann, w.app, scopes, by))
		w.clock.Advance(time.Minute)
	}
	other := w.application(t)
	must(t, w.SaveConsent(t.Context(), w.ann, other, nil, by))
	want := []grant.Consent{
		{Account: w.ann, Client: other, MadeAt: made.Add(3 * time.Minute), ChangedAt: made.Add(3 * time.Minute)},
		{Account: w.ann, Client: w.app, Scopes: oauth.Scopes{"openid", "email", "profile"}, MadeAt: made, ChangedAt: made.Add(time.Minute)},
	}
	all, err := w.Consents(t.Context(), w.ann)
	must(t, err)
	one, err := w.Consent(t.Context(), w.ann, w.app)
	must(t, err)
	if diff := cmp.Diff(want, all) + cmp.Diff(want[1].Scopes, one); diff != "" {
		t.Error(diff)
	}
	lines := []string{
		`app_1 consent.given {"client":"` + w.app + `","scopes":"openid email"}`,
		`app_1 consent.given {"client":"` + w.app + `","scopes":"profile"}`,
		`app_1 consent.given {"client":"` + other + `","scopes":""}`,
	}
	if diff := cmp.Diff(lines, w.recorded(t, w.ann)); diff != "" {
		t.Error(diff)
	}
}

func withdrawn(t *testing.T, w *world) {
	s := w.session(t)
	_, bound := w.issue(t, w.grant(s))
	g, offline := w.issue(t, w.offline(s))
	must(t, w.SaveConsent(t.Context(), w.ann, w.app, g.Scopes, by))
	bob := *w
	bob.ann = w.account(t)
	_, bobs := bob.issue(t, bob.offline(bob.session(t)))
	other := *w
	other.app = w.application(t)
	_, kept := other.issue(t, other.offline(s))
	for range 2 {
		must(t, w.Withdraw(t.Context(), w.ann, w.app, by))
	}
	w.refused(t, bound)
	w.refused(t, offline)
	if got, err := w.Consent(t.Context(), w.ann, w.app); err != nil || got != nil || !w.lives(t, bobs) || !w.lives(t, kept) {
		t.Errorf("left %q, %v", got, err)
	}
	if lines := w.recorded(t, w.ann); len(lines) != 2 || lines[1] != `app_1 consent.withdrawn {"client":"`+w.app+`"}` {
		t.Errorf("recorded %q", lines)
	}
}
