package group_test

import (
	"database/sql"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
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
		all, total, err := d.List(ctx, group.Query{Text: "łódź"})
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

func TestGroupsAreListed(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World, d *group.Desk) {
		ctx := t.Context()
		anna, bert := w.Account(t, "anna@example.com"), w.Account(t, "bert@example.com")
		made := map[string]group.Group{}
		for _, g := range []struct{ name, about string }{{"beta", "half of 100%"}, {"Alpha", ""}, {"gamma", "under_score"}} {
			w.Clock.Advance(time.Minute)
			row, err := d.Create(ctx, g.name, g.about, admin)
			check(t, err)
			made[g.name] = row
		}
		check(t, d.Add(ctx, made["beta"].ID, anna.ID, admin))
		check(t, d.Add(ctx, made["beta"].ID, bert.ID, admin))
		check(t, d.Add(ctx, made["gamma"].ID, bert.ID, admin))
		check(t, w.DB.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE groups SET source = 'directory' WHERE name = 'Alpha'`)
			return err
		}))
		for name, c := range map[string]struct {
			group.Query
			want  string
			total int
		}{
			"all, by name":      {group.Query{}, "Alpha beta gamma", 3},
			"downwards":         {group.Query{Sort: "name", Desc: true}, "gamma beta Alpha", 3},
			"by members":        {group.Query{Sort: "members", Desc: true}, "beta gamma Alpha", 3},
			"by time":           {group.Query{Sort: "created"}, "beta Alpha gamma", 3},
			"no such order":     {group.Query{Sort: "made_at; DROP TABLE groups"}, "Alpha beta gamma", 3},
			"a page":            {group.Query{Limit: 1, Offset: 1}, "beta", 3},
			"beyond the end":    {group.Query{Offset: 9}, "", 3},
			"by text":           {group.Query{Text: "MM"}, "gamma", 1},
			"by description":    {group.Query{Text: "HALF"}, "beta", 1},
			"a percent sign":    {group.Query{Text: "%"}, "beta", 1},
			"an underscore":     {group.Query{Text: "_"}, "gamma", 1},
			"by id":             {group.Query{Text: made["gamma"].ID}, "gamma", 1},
			"of the directory":  {group.Query{Source: "directory"}, "Alpha", 1},
			"made here":         {group.Query{Source: "local"}, "beta gamma", 2},
			"text and a source": {group.Query{Text: "a", Source: "directory", Desc: true}, "Alpha", 1},
		} {
			list, total, err := d.List(ctx, c.Query)
			check(t, err)
			var names []string
			for _, g := range list {
				names = append(names, g.Name)
			}
			if got := strings.Join(names, " "); got != c.want || total != c.total {
				t.Errorf("%s: %q of %d, not %q of %d", name, got, total, c.want, c.total)
			}
		}
	})
}

// Two who take the last administrators away at once: one of them is refused.
func TestRacingDropsLeaveAnAdministrator(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World, d *group.Desk) {
		ctx := t.Context()
		roles := role.New(role.Options{Store: w.Store, Journal: w.Journal, Known: []string{role.Admin}, Now: w.Clock.Now})
		var groups []group.Group
		for _, name := range []string{"first", "second"} {
			g, err := d.Create(ctx, name, "", admin)
			check(t, err)
			check(t, d.Add(ctx, g.ID, w.Account(t, name+"@example.com").ID, admin))
			check(t, roles.Give(ctx, role.Admin, role.Holder{Group: g.ID}, admin))
			groups = append(groups, g)
		}
		errs := make(chan error, len(groups))
		for i, g := range groups {
			go func() {
				if i == 0 {
					errs <- d.Remove(ctx, g.ID, admin)
				} else {
					errs <- roles.Take(ctx, role.Admin, role.Holder{Group: g.ID}, admin)
				}
			}()
		}
		refused := 0
		for range groups {
			switch err := <-errs; {
			case errors.Is(err, role.ErrLastAdmin):
				refused++
			case err != nil:
				t.Error(err)
			}
		}
		if refused != 1 {
			t.Errorf("%d of two were refused", refused)
		}
	})
}
