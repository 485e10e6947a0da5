package session_test

import (
	"testing"

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
