package identity

import (
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/role"
	"guildhall/platform/app"
	"guildhall/platform/guildtest"
	"guildhall/platform/session"
	wire "guildhall/sdk/go/identity"
)

func TestAPIOfAGroupsLife(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		anna := o.Account(t, "anna@example.com")
		made, err := c.CreateGroup(ctx, wire.GroupFields{Name: " The  Office ", Description: "second floor"})
		ok(t, err)
		want := &wire.GroupDetail{Group: wire.Group{ID: made.ID, Name: "The Office", Description: "second floor", Source: "local", CreatedAt: o.Clock.Now()}, Roles: []string{}}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("made:\n%s", diff)
		}
		for range 2 { // repeating is harmless
			if g, err := c.AddMember(ctx, made.ID, anna.ID); err != nil || g.Members != 1 {
				t.Errorf("add a member: %+v, %v", g, err)
			}
			if g, err := c.GiveGroupRole(ctx, made.ID, "ca.operator"); err != nil || !slices.Equal(g.Roles, []string{"ca.operator"}) {
				t.Errorf("give a role: %+v, %v", g, err)
			}
		}
		if roles, err := o.roles.Of(ctx, anna.ID); err != nil || !slices.Equal(roles, []string{"ca.operator"}) {
			t.Errorf("the member's roles: %q, %v", roles, err)
		}
		if g, err := c.UpdateGroup(ctx, made.ID, wire.GroupFields{Name: "Office"}); err != nil || g.Name != "Office" || g.Description != "" || g.Members != 1 {
			t.Errorf("renamed: %+v, %v", g, err)
		}
		read, err := c.Group(ctx, made.ID)
		ok(t, err)
		for range 2 {
			if g, err := c.TakeGroupRole(ctx, made.ID, "ca.operator"); err != nil || len(g.Roles) != 0 {
				t.Errorf("take the role: %+v, %v", g, err)
			}
			if g, err := c.DropMember(ctx, made.ID, anna.ID); err != nil || g.Members != 0 {
				t.Errorf("drop the member: %+v, %v", g, err)
			}
		}
		ok(t, c.RemoveGroup(ctx, made.ID))
		for what, err := range map[string]error{"read": second(c.Group(ctx, made.ID)), "rename": second(c.UpdateGroup(ctx, made.ID, wire.GroupFields{Name: "x"})),
			"add to": second(c.AddMember(ctx, made.ID, anna.ID)), "drop from": second(c.DropMember(ctx, made.ID, anna.ID)), "remove": c.RemoveGroup(ctx, made.ID),
			"give": second(c.GiveGroupRole(ctx, made.ID, "ca.operator")), "take": second(c.TakeGroupRole(ctx, made.ID, "ca.operator"))} {
			if p := problemOf(err); p.Status != http.StatusNotFound || p.Code != "group_not_found" {
				t.Errorf("%s a group that is removed (%s): %v", what, read.ID, err)
			}
		}
		list, err := c.Audit(ctx, wire.AuditRequest{Subject: made.ID})
		ok(t, err)
		var actions []string
		for _, e := range slices.Backward(list.Entries) {
			if actions = append(actions, e.Action); e.Actor != "break-glass:test" || e.From != "127.0.0.1" {
				t.Errorf("who did it: %+v", e)
			}
		}
		if want := []string{"group.created", "group.member_added", "role.given", "group.changed", "role.taken", "group.member_removed", "group.removed"}; !slices.Equal(actions, want) {
			t.Errorf("audit log: %q", actions)
		}
	})
}

func TestAPIListsGroups(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		for _, name := range []string{"beta", "Alpha", "gamma"} {
			o.Clock.Advance(time.Minute)
			_, err := o.client.CreateGroup(t.Context(), wire.GroupFields{Name: name})
			ok(t, err)
		}
		for _, c := range []struct {
			wire.GroupRequest
			want  string
			total int
		}{
			{wire.GroupRequest{}, "Alpha beta gamma", 3},
			{wire.GroupRequest{Sort: "created_at", Order: "desc"}, "gamma Alpha beta", 3},
			{wire.GroupRequest{Sort: "members", Limit: 1, Offset: 2}, "gamma", 3},
			{wire.GroupRequest{Text: "MM"}, "gamma", 1},
			{wire.GroupRequest{Source: "directory"}, "", 0},
		} {
			list, err := o.client.Groups(t.Context(), c.GroupRequest)
			ok(t, err)
			var names []string
			for _, g := range list.Groups {
				names = append(names, g.Name)
			}
			if got := strings.Join(names, " "); got != c.want || list.Total != c.total || list.Groups == nil {
				t.Errorf("%+v: %q of %d", c.GroupRequest, got, list.Total)
			}
		}
	})
}

// What may not be is refused, says which field it is, and changes nothing.
func TestAPIRefusesWhatAGroupMayNot(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		anna := o.Account(t, "anna@example.com")
		mine, err := c.CreateGroup(ctx, wire.GroupFields{Name: "Mine"})
		ok(t, err)
		theirs, err := c.CreateGroup(ctx, wire.GroupFields{Name: "Theirs"})
		ok(t, err)
		ok(t, o.DB.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE groups SET source = 'directory' WHERE name = 'Theirs'`)
			return err
		}))
		_, err = c.AddMember(ctx, mine.ID, anna.ID)
		ok(t, err)
		_, err = c.GiveGroupRole(ctx, mine.ID, "identity.admin")
		ok(t, err)
		rows := o.Rows(t)
		const path = "/api/v1/groups"
		one, other := path+"/"+mine.ID, path+"/"+theirs.ID
		for name, x := range map[string]struct {
			method, path, body string
			status             int
			code, field        string
		}{
			"no JSON":                      {"POST", path, `{`, 400, "malformed_body", ""},
			"no name":                      {"POST", path, `{}`, 422, "invalid_fields", "name required"},
			"an empty name":                {"POST", path, `{"name":" "}`, 422, "invalid_fields", "name required"},
			"a name there is":              {"POST", path, `{"name":"MINE"}`, 422, "invalid_fields", "name group_exists"},
			"a long name":                  {"POST", path, `{"name":"` + strings.Repeat("ł", 65) + `"}`, 422, "invalid_fields", "name too_long"},
			"a very long name":             {"POST", path, `{"name":"` + strings.Repeat("x", 300) + `"}`, 422, "invalid_fields", "name too_long"},
			"a long description":           {"PUT", one, `{"name":"a","description":"` + strings.Repeat("x", 201) + `"}`, 422, "invalid_fields", "description too_long"},
			"a NUL":                        {"PUT", one, `{"name":"a\u0000b"}`, 422, "invalid_fields", "name not_text"},
			"a field there is not":         {"POST", path, `{"name":"a","members":["usr_1"]}`, 422, "invalid_fields", "members unknown"},
			"a body too large":             {"POST", path, `{"name":"` + strings.Repeat("x", 9<<10) + `"}`, 413, "", ""},
			"a member there is not":        {"PUT", one + "/members/usr_1", "", 404, "account_not_found", ""},
			"a role there is not":          {"PUT", one + "/roles/root", "", 422, "invalid_fields", "role not_allowed"},
			"taking a role there is not":   {"DELETE", one + "/roles/root", "", 422, "invalid_fields", "role not_allowed"},
			"a sort there is not":          {"GET", path + "?sort=source", "", 422, "invalid_fields", "sort not_allowed"},
			"the last administrator":       {"DELETE", one + "/members/" + anna.ID, "", 409, "last_administrator", ""},
			"the last administrators":      {"DELETE", one, "", 409, "last_administrator", ""},
			"the last role":                {"DELETE", one + "/roles/identity.admin", "", 409, "last_administrator", ""},
			"a name of the directory's":    {"PUT", other, `{"name":"x"}`, 409, "group_of_directory", ""},
			"a group of the directory's":   {"DELETE", other, "", 409, "group_of_directory", ""},
			"a member of the directory's":  {"PUT", other + "/members/" + anna.ID, "", 409, "group_of_directory", ""},
			"no member of the directory's": {"DELETE", other + "/members/" + anna.ID, "", 409, "group_of_directory", ""},
		} {
			status, text := o.send(t, x.method, x.path, x.body)
			var p wire.Problem
			ok(t, json.Unmarshal([]byte(text), &p))
			field := ""
			if len(p.Fields) > 0 {
				field = p.Fields[0].Name + " " + p.Fields[0].Code
			}
			if status != x.status || x.code != "" && p.Code != x.code || field != x.field && x.field != "" || p.Detail == "" {
				t.Errorf("%s: %d %s", name, status, text)
			}
		}
		if o.Rows(t) != rows {
			t.Errorf("what was refused was done: %q", o.Actions(t, rows+1))
		}
		if g, err := c.GiveGroupRole(ctx, theirs.ID, "ca.viewer"); err != nil || g.Source != "directory" || !slices.Equal(g.Roles, []string{"ca.viewer"}) {
			t.Errorf("a role for a group of the directory: %+v, %v", g, err)
		}
	})
}

// Viewers look and change nothing; others do neither.
func TestAPIOfGroupsAsksWhoItIs(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	made, err := o.client.CreateGroup(t.Context(), wire.GroupFields{Name: "Office"})
	ok(t, err)
	mux := http.NewServeMux()
	api := app.NewAPI(mux, Name, "test", issuer, slog.New(slog.DiscardHandler))
	o.groupOperations(api)
	rows, operations := o.Rows(t), 0
	for path, item := range api.OpenAPI().Paths {
		path = strings.NewReplacer("{id}", made.ID, "{account}", o.anna.ID, "{role}", role.Admin).Replace(path)
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete} {
			if op == nil {
				continue
			}
			operations++
			viewer := http.StatusForbidden
			if method == http.MethodGet {
				viewer = http.StatusOK
			}
			for who, want := range map[string]int{"": http.StatusUnauthorized, "ca.admin": http.StatusForbidden, role.Viewer: viewer} {
				r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
				if who != "" {
					r = r.WithContext(session.With(r.Context(), session.Principal{ID: "usr_x", Roles: []string{who}}))
				}
				w := httptest.NewRecorder()
				if mux.ServeHTTP(w, r); w.Code != want {
					t.Errorf("%s with the role %q: %d, not %d: %s", op.OperationID, who, w.Code, want, w.Body)
				}
			}
		}
	}
	if operations != 9 || o.Rows(t) != rows {
		t.Errorf("%d operations; done was %q", operations, o.Actions(t, rows+1))
	}
}
