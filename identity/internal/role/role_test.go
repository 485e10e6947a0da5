package role_test

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

var admin = audit.Caller{Actor: "local:root", From: "local"}

type world struct {
	*identitytest.World
	roles  *role.Desk
	groups *group.Desk
}

func worlds(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := identitytest.New(t, d)
		test(t, &world{World: w, groups: &group.Desk{Store: w.Store, Journal: w.Journal, Now: w.Clock.Now},
			roles: role.New(role.Options{Store: w.Store, Journal: w.Journal, Known: []string{"ca.admin", "ca.viewer", role.Admin}, Now: w.Clock.Now})})
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) has(t *testing.T, accountID string, want ...string) {
	t.Helper()
	got, err := w.roles.Of(t.Context(), accountID)
	check(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("the roles are %q, not %q", got, want)
	}
}

func TestRolesComeDirectlyAndByGroups(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		a, g := w.Account(t, "anna@example.com"), w.group(t, "Office")
		w.has(t, a.ID)
		rows := w.Rows(t)
		for range 2 { // the second time changes nothing
			check(t, w.roles.Give(t.Context(), "ca.viewer", role.Holder{Account: a.ID}, admin))
		}
		check(t, w.roles.Give(t.Context(), "ca.viewer", role.Holder{Group: g.ID}, admin))
		check(t, w.roles.Give(t.Context(), "ca.admin", role.Holder{Group: g.ID}, admin))
		w.has(t, a.ID, "ca.viewer")
		check(t, w.groups.Add(t.Context(), g.ID, a.ID, admin))
		w.has(t, a.ID, "ca.admin", "ca.viewer")
		if held, err := w.roles.Held(t.Context(), role.Holder{Account: a.ID}); err != nil || !slices.Equal(held, []string{"ca.viewer"}) {
			t.Errorf("held by itself: %q, %v", held, err)
		}
		check(t, w.roles.Take(t.Context(), "ca.viewer", role.Holder{Account: a.ID}, admin))
		w.has(t, a.ID, "ca.admin", "ca.viewer")
		check(t, w.groups.Drop(t.Context(), g.ID, a.ID, admin))
		w.has(t, a.ID)
		check(t, w.roles.Take(t.Context(), "ca.viewer", role.Holder{Account: a.ID}, admin)) // is gone already
		want := []string{"role.given", "role.given", "role.given", "group.member_added", "role.taken", "group.member_removed"}
		if got := w.Actions(t, rows); !slices.Equal(got, want) {
			t.Errorf("recorded is %q, not %q", got, want)
		}
	})
}

func TestGiveRefuses(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		a := w.Account(t, "anna@example.com")
		err := w.roles.Give(t.Context(), "*", role.Holder{Account: a.ID}, admin)
		if f := fault.As(err).Fields; len(f) != 1 || f[0].Name != "role" {
			t.Errorf("a role that nobody knows: %v", err)
		}
		if err := w.roles.Give(t.Context(), "ca.admin", role.Holder{Account: "usr_none"}, admin); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("an account that is not there: %v", err)
		}
		if err := w.roles.Give(t.Context(), "ca.admin", role.Holder{Group: "grp_none"}, admin); !errors.Is(err, group.ErrNotFound) {
			t.Errorf("a group that is not there: %v", err)
		}
	})
}

// Whatever would leave nobody who can give roles is refused.
func TestTheLastAdministratorStays(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		a, b, g := w.Account(t, "anna@example.com"), w.Account(t, "bert@example.com"), w.group(t, "Administrators")
		check(t, w.roles.Give(ctx, role.Admin, role.Holder{Group: g.ID}, admin))
		check(t, w.groups.Add(ctx, g.ID, a.ID, admin))
		refused := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, role.ErrLastAdmin) {
				t.Errorf("%s: %v", what, err)
			}
			w.has(t, a.ID, role.Admin)
		}
		refused("take the role from the group", w.roles.Take(ctx, role.Admin, role.Holder{Group: g.ID}, admin))
		refused("drop the member", w.groups.Drop(ctx, g.ID, a.ID, admin))
		refused("remove the group", w.groups.Remove(ctx, g.ID, admin))
		refused("disable the account", w.Accounts.Disable(ctx, a.ID, "left", admin))
		refused("remove the account", w.Accounts.Remove(ctx, a.ID, admin))
		refused("delete the account", w.Accounts.Delete(ctx, a.ID, identitytest.Password, audit.Caller{Actor: a.ID}))

		// A disabled account administers nothing.
		check(t, w.roles.Give(ctx, role.Admin, role.Holder{Account: b.ID}, admin))
		check(t, w.Accounts.Disable(ctx, b.ID, "away", admin))
		refused("drop the member beside a disabled administrator", w.groups.Drop(ctx, g.ID, a.ID, admin))
		check(t, w.Accounts.Enable(ctx, b.ID, admin))
		check(t, w.groups.Remove(ctx, g.ID, admin))
		w.has(t, a.ID)
	})
}

// Two administrators who take the role from each other at once: one stays.
func TestTwoTakeTheRoleAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		var ids []string
		for _, email := range []string{"anna@example.com", "bert@example.com"} {
			a := w.Account(t, email)
			check(t, w.roles.Give(t.Context(), role.Admin, role.Holder{Account: a.ID}, admin))
			ids = append(ids, a.ID)
		}
		errs := make([]error, len(ids))
		var all sync.WaitGroup
		for i, id := range ids {
			all.Go(func() { errs[i] = w.roles.Take(t.Context(), role.Admin, role.Holder{Account: id}, admin) })
		}
		all.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), role.ErrLastAdmin) {
			t.Errorf("two took the role at once: %v", errs)
		}
	})
}

// Each of the ways in which an administrator can go is tried at the same moment: one
// stays.
func TestAdministratorsGoInEveryWayAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ctx, g := t.Context(), w.group(t, "Administrators")
		a, b, c, d := w.Account(t, "anna@example.com"), w.Account(t, "bert@example.com"), w.Account(t, "cleo@example.com"), w.Account(t, "dora@example.com")
		e := w.Account(t, "ella@example.com")
		for _, id := range []string{a.ID, b.ID, c.ID, e.ID} {
			check(t, w.roles.Give(ctx, role.Admin, role.Holder{Account: id}, admin))
		}
		check(t, w.roles.Give(ctx, role.Admin, role.Holder{Group: g.ID}, admin))
		check(t, w.groups.Add(ctx, g.ID, d.ID, admin))
		ways := []func() error{
			func() error { return w.roles.Take(ctx, role.Admin, role.Holder{Account: a.ID}, admin) },
			func() error { return w.Accounts.Disable(ctx, b.ID, "left", admin) },
			func() error { return w.Accounts.Delete(ctx, c.ID, identitytest.Password, audit.Caller{Actor: c.ID}) },
			func() error { return w.groups.Drop(ctx, g.ID, d.ID, admin) },
			func() error { return w.Accounts.Remove(ctx, e.ID, admin) },
		}
		errs := make([]error, len(ways))
		var all sync.WaitGroup
		for i, goes := range ways {
			all.Go(func() { errs[i] = goes() })
		}
		all.Wait()
		refused := 0
		for _, err := range errs {
			switch {
			case errors.Is(err, role.ErrLastAdmin):
				refused++
			case err != nil:
				t.Error(err)
			}
		}
		if refused != 1 {
			t.Errorf("%d of five were refused: %v", refused, errs)
		}
	})
}

func (w *world) group(t *testing.T, name string) group.Group {
	t.Helper()
	g, err := w.groups.Create(t.Context(), name, "", admin)
	check(t, err)
	return g
}
