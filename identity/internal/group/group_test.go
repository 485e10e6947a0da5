package group_test

import (
	"database/sql"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/identitytest"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

var admin = audit.Caller{Actor: "usr_admin", From: "192.0.2.9"}

func worlds(t *testing.T, test func(t *testing.T, w *identitytest.World, d *group.Desk)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := identitytest.New(t, d)
		test(t, w, &group.Desk{Store: w.Store, Journal: w.Journal, Now: w.Clock.Now})
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func code(err error) string {
	if f := fault.As(err); err != nil && len(f.Fields) > 0 {
		return f.Fields[0].Name + " " + f.Fields[0].Code
	}
	return ""
}

func TestLifeOfAGroup(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World, d *group.Desk) {
		ctx, a := t.Context(), w.Account(t, "anna@example.com")
		rows := w.Rows(t)
		g, err := d.Create(ctx, "  The   Office ", "who works there", admin)
		check(t, err)
		if g.Name != "The Office" || g.Directory || !g.MadeAt.Equal(w.Clock.Now()) {
			t.Errorf("made %+v", g)
		}
		for range 2 {
			check(t, d.Add(ctx, g.ID, a.ID, admin))
		}
		check(t, d.Change(ctx, g.ID, "Office", "who works there", admin))
		check(t, d.Change(ctx, g.ID, "Office", "who works there", admin))
		of, err := d.Of(ctx, a.ID)
		check(t, err)
		if len(of) != 1 || of[0].Name != "Office" || of[0].Members != 1 {
			t.Errorf("the groups of the account: %+v", of)
		}
		for range 2 {
			check(t, d.Drop(ctx, g.ID, a.ID, admin))
		}
		check(t, d.Remove(ctx, g.ID, admin))
		if _, err := d.Get(ctx, g.ID); !errors.Is(err, group.ErrNotFound) {
			t.Errorf("the group that was removed: %v", err)
		}
		want := []string{"group.created", "group.member_added", "group.changed", "group.member_removed", "group.removed"}
		if got := w.Actions(t, rows); !slices.Equal(got, want) {
			t.Errorf("recorded is %q, not %q", got, want)
		}
	})
}

func TestNamesAreGoodAndUnique(t *testing.T) {
	worlds(t, func(t *testing.T, _ *identitytest.World, d *group.Desk) {
		ctx := t.Context()
		g, err := d.Create(ctx, "Łódź", "", admin)
		check(t, err)
		other, err := d.Create(ctx, "Other", "", admin)
		check(t, err)
		for name, want := range map[string]string{"łÓDŹ": "name group_exists", " ": "name required", strings.Repeat("x", 65): "name too_long", "a\u202eb": "name not_text"} {
			if _, err := d.Create(ctx, name, "", admin); code(err) != want {
				t.Errorf("create %q: %v, not %s", name, err, want)
			}
			if err := d.Change(ctx, other.ID, name, "", admin); code(err) != want {
				t.Errorf("rename to %q: %v, not %s", name, err, want)
			}
		}
		check(t, d.Change(ctx, g.ID, "ŁÓDŹ", "", admin)) // its own name in another spelling
		if err := d.Change(ctx, "grp_none", "x", "", admin); !errors.Is(err, group.ErrNotFound) {
			t.Errorf("change a group that is not there: %v", err)
		}
		if err := d.Add(ctx, g.ID, "usr_none", admin); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("add an account that is not there: %v", err)
		}
		all, total, err := d.List(ctx, "łódź", 10, 0)
		if err != nil || total != 1 || len(all) != 1 || all[0].ID != g.ID {
			t.Errorf("found %+v, %d, %v", all, total, err)
		}
	})
}

func TestTheDirectoryDecides(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World, d *group.Desk) {
		ctx, a := t.Context(), w.Account(t, "anna@example.com")
		g, err := d.Create(ctx, "Imported", "", admin)
		check(t, err)
		check(t, w.DB.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE groups SET source = 'directory'`)
			return err
		}))
		for what, err := range map[string]error{"change": d.Change(ctx, g.ID, "x", "", admin), "remove": d.Remove(ctx, g.ID, admin),
			"add": d.Add(ctx, g.ID, a.ID, admin), "drop": d.Drop(ctx, g.ID, a.ID, admin)} {
			if !errors.Is(err, group.ErrDirectory) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
