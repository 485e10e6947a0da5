package session_test

import (
	"errors"
	"testing"
	"time"

	"guildhall/platform/session"
)

func TestRolesContainEachOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		held, asked string
		want        bool
	}{
		{"*", "ca.admin", true},
		{"ca.admin", "ca.admin", true},
		{"license.admin", "license.support", true},
		{"license.support", "license.viewer", true},
		{"license.support", "license.admin", false},
		{"license.viewer", "license.support", false},
		{"ca.admin", "ca.operator", true},
		{"ca.admin", "ca.viewer", true},
		{"ca.operator", "ca.viewer", true},
		{"ca.operator", "ca.admin", false},
		{"ca.viewer", "ca.operator", false},
		{"ca.admin", "identity.viewer", false},
		{"ca.admin", "ca.auditor", false},
		{"ca.auditor", "ca.viewer", false},
		{"ca.admin", "*", false},
		{"ca.admin", "", false},
		{"ca.x.admin", "ca.viewer", false},
		{"admin", "viewer", false},
		{"", "ca.viewer", false},
	} {
		if got := (session.Principal{Roles: []string{"other", c.held}}).Has(c.asked); got != c.want {
			t.Errorf("%q holds %q: %v", c.held, c.asked, got)
		}
	}
}

// An account needs no role; the emergency entrance is no account.
func TestAPersonIsWhoeverIdentitySignedIn(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		who  *session.Principal
		want error
	}{
		"nobody":             {nil, session.ErrUnauthenticated},
		"without a role":     {&session.Principal{ID: "usr_1", AuthTime: time.Unix(1, 0)}, nil},
		"with every role":    {&session.Principal{ID: "usr_1", Roles: []string{session.Everything}, AuthTime: time.Unix(1, 0)}, nil},
		"emergency entrance": {&session.Principal{ID: "break-glass:ses_1", Roles: []string{session.Everything}, SessionID: "ses_1"}, session.ErrNoAccount},
	} {
		ctx := t.Context()
		if x.who != nil {
			ctx = session.With(ctx, *x.who)
		}
		if err := session.CheckPerson(ctx); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
