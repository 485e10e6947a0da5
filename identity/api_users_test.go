package identity

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
	isession "guildhall/identity/internal/session"
	"guildhall/platform/app"
	"guildhall/platform/guildtest"
	"guildhall/platform/session"
	wire "guildhall/sdk/go/identity"
)

// lastLetter is the template and the address of the newest letter.
func (o *office) lastLetter() string {
	all := o.Letters()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].Template + " " + all[len(all)-1].To
}

func TestAPIOfAnAccountsLife(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		made, err := c.CreateUser(ctx, wire.UserCreate{Email: "Bert@Example.com", Name: " Bert ", Language: "pl", SecondRequired: true})
		ok(t, err)
		want := wire.User{ID: made.ID, Email: "Bert@Example.com", Name: "Bert", Language: "pl", State: "active", SecondRequired: true,
			CreatedAt: o.Clock.Now().UTC()}
		if diff := cmp.Diff(want, made.User); diff != "" || made.Password != "" || o.lastLetter() != "identity.invited Bert@Example.com" {
			t.Errorf("invited, with the letter %s and the password %q:\n%s", o.lastLetter(), made.Password, diff)
		}
		read, err := c.User(ctx, made.ID)
		ok(t, err)
		if diff := cmp.Diff(made.UserDetail, *read); diff != "" {
			t.Error(diff)
		}

		off, err := c.DisableUser(ctx, made.ID, "left")
		if err != nil || off.State != "disabled" || !slices.Contains(o.Ended(), made.ID+" but ") {
			t.Errorf("disable: %+v, %v; sessions ended %q", off, err, o.Ended())
		}
		_, err = c.ResetUser(ctx, made.ID, wire.UserReset{How: "password"})
		if p := problemOf(err); p.Status != http.StatusForbidden || p.Code != "account_disabled" {
			t.Errorf("a password for a disabled account: %v", err)
		}
		for range 2 { // repeating is harmless
			if on, err := c.EnableUser(ctx, made.ID); err != nil || on.State != "active" {
				t.Errorf("enable: %+v, %v", on, err)
			}
		}

		given, err := c.ResetUser(ctx, made.ID, wire.UserReset{How: "password"})
		ok(t, err)
		signed, err := o.accounts.SignIn(ctx, account.SignInRequest{Email: made.Email, Password: given.Password, By: identitytest.By})
		if err != nil || !signed.MustChange {
			t.Errorf("sign in with the one-time password: %+v, %v", signed, err)
		}
		if sent, err := c.ResetUser(ctx, made.ID, wire.UserReset{How: "letter"}); err != nil || sent.Password != "" || o.lastLetter() != "identity.choose_password Bert@Example.com" {
			t.Errorf("reset by a letter: %+v, %v, %s", sent, err, o.lastLetter())
		}
		for range 5 {
			_, err := o.accounts.SignIn(ctx, account.SignInRequest{Email: made.Email, Password: "not the password", By: identitytest.By})
			if !errors.Is(err, account.ErrSignIn) {
				t.Fatal(err)
			}
		}
		if locked, err := c.User(ctx, made.ID); err != nil || locked.LockedUntil == nil || !locked.LockedUntil.After(o.Clock.Now()) {
			t.Errorf("after wrong passwords: %+v, %v", locked, err)
		}
		if free, err := c.UnlockUser(ctx, made.ID); err != nil || free.LockedUntil != nil {
			t.Errorf("unlock: %+v, %v", free, err)
		}
		if got, err := c.RequireSecondFactor(ctx, made.ID, false); err != nil || got.SecondRequired {
			t.Errorf("no second factor: %+v, %v", got, err)
		}

		ok(t, c.RemoveUser(ctx, made.ID))
		if p := problemOf(c.RemoveUser(ctx, made.ID)); p.Status != http.StatusNotFound || p.Code != "account_not_found" || o.lastLetter() != "identity.deleted Bert@Example.com" {
			t.Errorf("remove it again: %+v, %s", p, o.lastLetter())
		}

		list, err := c.Audit(ctx, wire.AuditRequest{Subject: made.ID})
		ok(t, err)
		var actions []string
		for _, e := range slices.Backward(list.Entries) {
			if actions = append(actions, e.Action); strings.HasPrefix(e.Action, "account.") && e.Action != "account.password_refused" && (e.Actor != "break-glass:test" || e.From != "127.0.0.1") {
				t.Errorf("who did it: %+v", e)
			}
		}
		for _, want := range []string{"account.created", "account.disabled", "account.enabled", "account.password_given", "account.password_asked", "account.unlocked", "account.second_factor_required", "account.deleted"} {
			if n := len(slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return a != want })); n != 1 {
				t.Errorf("%s stands in the audit log %d times: %q", want, n, actions)
			}
		}
		var export bytes.Buffer
		ok(t, c.ExportAudit(ctx, &export))
		for _, secret := range []string{given.Password, "example.com", "Bert"} {
			if strings.Contains(export.String(), secret) {
				t.Errorf("the audit log holds %q", secret)
			}
		}
	})
}

func TestAPIListsAccounts(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		o.Clock.Advance(time.Minute)
		for _, p := range [][2]string{{"zoe@list.example", "Ann"}, {"b%@list.example", "Zoe"}} {
			o.Clock.Advance(time.Minute)
			_, err := c.CreateUser(ctx, wire.UserCreate{Email: p[0], Name: p[1]})
			ok(t, err)
		}
		zoe, err := c.Users(ctx, wire.UserRequest{Email: " ZOE@list.example "})
		if err != nil || zoe.Total != 1 {
			t.Fatalf("by the address: %+v, %v", zoe, err)
		}
		off, err := c.DisableUser(ctx, zoe.Users[0].ID, "left")
		ok(t, err)
		g, err := o.groups.Create(ctx, "Office", "", identitytest.By)
		ok(t, err)
		ok(t, o.groups.Add(ctx, g.ID, off.ID, identitytest.By))
		if one, err := c.User(ctx, off.ID); err != nil || !slices.Equal(one.Groups, []wire.UserGroup{{ID: g.ID, Name: "Office"}}) {
			t.Errorf("groups: %+v, %v", one, err)
		}
		anna, z, b := o.anna.Email, "zoe@list.example", "b%@list.example"
		for _, x := range []struct {
			r     wire.UserRequest
			want  []string
			total int
		}{
			{wire.UserRequest{}, []string{b, z, anna}, 3},
			{wire.UserRequest{Order: "asc"}, []string{anna, z, b}, 3},
			{wire.UserRequest{Sort: "name"}, []string{z, anna, b}, 3},
			{wire.UserRequest{Sort: "email", Order: "desc"}, []string{z, b, anna}, 3},
			{wire.UserRequest{Text: "ZOE"}, []string{b, z}, 2},
			{wire.UserRequest{Text: "%"}, []string{b}, 1},
			{wire.UserRequest{State: "disabled"}, []string{z}, 1},
			{wire.UserRequest{Group: g.ID}, []string{z}, 1},
			{wire.UserRequest{Limit: 1, Offset: 1}, []string{z}, 3},
			{wire.UserRequest{Email: "example"}, []string{}, 0},
		} {
			list, err := c.Users(ctx, x.r)
			ok(t, err)
			got := []string{}
			for _, u := range list.Users {
				got = append(got, u.Email)
			}
			if !slices.Equal(got, x.want) || list.Total != x.total {
				t.Errorf("%+v: %q of %d, not %q of %d", x.r, got, list.Total, x.want, x.total)
			}
		}
	})
}

func TestAPIOfSessionsAndFactors(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		o.Clock.Advance(time.Minute)
		_, second, err := o.sessions.Start(ctx, isession.Start{Account: o.anna.ID, Level: isession.Strong, Methods: []string{"pwd", "otp"}, UserAgent: "curl", From: "192.0.2.7"})
		ok(t, err)
		list, err := c.UserSessions(ctx, o.anna.ID)
		ok(t, err)
		want := wire.UserSession{ID: second.ID, Level: "strong", Methods: []string{"pwd", "otp"}, StartedAt: second.MadeAt, SeenAt: second.SeenAt, EndsAt: second.EndsAt, UserAgent: "curl", From: "192.0.2.7"}
		if diff := cmp.Diff(want, list.Sessions[0]); diff != "" || len(list.Sessions) != 2 || list.Sessions[1].ID != o.begun.ID {
			t.Errorf("sessions: %+v\n%s", list.Sessions, diff)
		}
		bert, err := c.CreateUser(ctx, wire.UserCreate{Email: "bert@example.com", Name: "Bert", Password: true})
		ok(t, err)
		if len(bert.Password) != 23 || !bert.MustChange {
			t.Errorf("made with a one-time password: %+v", bert)
		}
		for name, err := range map[string]error{"another's": c.EndUserSession(ctx, bert.ID, second.ID), "one that is not there": c.EndUserSession(ctx, o.anna.ID, "ses_1")} {
			if p := problemOf(err); p.Status != http.StatusNotFound || p.Code != "session_not_found" {
				t.Errorf("%s session: %v", name, err)
			}
		}
		ok(t, c.EndUserSession(ctx, o.anna.ID, second.ID))
		if ended, err := c.EndUserSessions(ctx, o.anna.ID); err != nil || ended.Ended != 1 {
			t.Errorf("ended: %+v, %v", ended, err)
		}
		if list, err := c.UserSessions(ctx, o.anna.ID); err != nil || len(list.Sessions) != 0 || list.Sessions == nil {
			t.Errorf("afterwards: %+v, %v", list, err)
		}

		ok(t, o.DB.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO passkeys (id, account, credential_id, credential, name, made_at) VALUES ('pky_1', $1, $2, '', '', 0)`, o.anna.ID, []byte("x"))
			return err
		}))
		if got, err := c.User(ctx, o.anna.ID); err != nil || got.Factors != (wire.UserFactors{Passkeys: 1}) {
			t.Errorf("with a passkey: %+v, %v", got, err)
		}
		for range 2 { // repeating is harmless
			if got, err := c.RemoveSecondFactors(ctx, o.anna.ID); err != nil || got.Factors != (wire.UserFactors{}) {
				t.Errorf("removed: %+v, %v", got, err)
			}
		}
		if o.lastLetter() != "identity.second_removed "+o.anna.Email {
			t.Errorf("the letter is %s", o.lastLetter())
		}
		if log, err := c.Audit(ctx, wire.AuditRequest{Action: "account.second_factors_removed"}); err != nil || len(log.Entries) != 1 || log.Entries[0].Actor != "break-glass:test" {
			t.Errorf("audit log: %+v, %v", log, err)
		}
	})
}

func TestAPIOfRoles(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c, id := t.Context(), o.client, o.anna.ID
		g, err := o.groups.Create(ctx, "Office", "", identitytest.By)
		ok(t, err)
		ok(t, o.groups.Add(ctx, g.ID, id, identitytest.By))
		ok(t, o.roles.Give(ctx, "ca.admin", role.Holder{Group: g.ID}, identitytest.By))
		for range 2 { // repeating is harmless
			list, err := c.GiveUserRole(ctx, id, "ca.viewer")
			ok(t, err)
			want := wire.UserRoleList{Roles: []wire.UserRole{{Name: "ca.admin", ByGroup: true}, {Name: "ca.viewer"}}, Known: o.roles.Known()}
			if diff := cmp.Diff(want, *list); diff != "" {
				t.Error(diff)
			}
		}
		for _, name := range []string{"ca.viewer", "ca.viewer", "ca.admin"} { // what the group gives stays
			list, err := c.TakeUserRole(ctx, id, name)
			if err != nil || !slices.Equal(list.Roles, []wire.UserRole{{Name: "ca.admin", ByGroup: true}}) {
				t.Errorf("without %s: %+v, %v", name, list, err)
			}
		}
		if list, err := c.UserRoles(ctx, id); err != nil || len(list.Roles) != 1 {
			t.Errorf("read: %+v, %v", list, err)
		}
		_, err = c.GiveUserRole(ctx, id, "ca.admim")
		if p := problemOf(err); p.Status != http.StatusUnprocessableEntity || len(p.Fields) != 1 || p.Fields[0].Name != "role" || !strings.Contains(p.Fields[0].Detail, `did you mean "ca.admin"`) {
			t.Errorf("a misspelt role: %v", err)
		}
		_, err = c.TakeUserRole(ctx, id, "ca.admim")
		if p := problemOf(err); p.Status != http.StatusUnprocessableEntity || len(p.Fields) != 1 || p.Fields[0].Name != "role" {
			t.Errorf("a misspelt role is taken: %v", err)
		}
	})
}

// Whoever is the last that can give roles stays, whatever is asked at once: requests
// that take the role, disable and drop from the group leave one.
func TestAPIKeepsTheLastAdministrator(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		_, err := c.GiveUserRole(ctx, o.anna.ID, role.Admin)
		ok(t, err)
		last := func(what string, err error) {
			t.Helper()
			if p := problemOf(err); p.Status != http.StatusConflict || p.Code != "last_administrator" {
				t.Errorf("%s: %v", what, err)
			}
		}
		last("take the role", second(c.TakeUserRole(ctx, o.anna.ID, role.Admin)))
		last("disable", second(c.DisableUser(ctx, o.anna.ID, "left")))

		g, err := o.groups.Create(ctx, "Administrators", "", identitytest.By)
		ok(t, err)
		ok(t, o.roles.Give(ctx, role.Admin, role.Holder{Group: g.ID}, identitytest.By))
		var ids []string
		for _, email := range []string{"a@example.com", "b@example.com"} {
			made, err := c.CreateUser(ctx, wire.UserCreate{Email: email, Name: "A"})
			ok(t, err)
			ids = append(ids, made.ID)
		}
		_, err = c.GiveUserRole(ctx, ids[0], role.Admin)
		ok(t, err)
		ok(t, o.groups.Add(ctx, g.ID, ids[1], identitytest.By))
		errs := make([]error, 5)
		var all sync.WaitGroup
		for i, request := range []func() error{
			func() error { return second(c.TakeUserRole(ctx, o.anna.ID, role.Admin)) },
			func() error { return second(c.DisableUser(ctx, o.anna.ID, "race")) },
			func() error { return second(c.DisableUser(ctx, ids[0], "race")) },
			func() error { return o.groups.Drop(ctx, g.ID, ids[1], identitytest.By) },
			func() error { return second(c.DisableUser(ctx, ids[1], "race")) },
		} {
			all.Go(func() { errs[i] = request() })
		}
		all.Wait()
		left := 0
		for _, id := range append(ids, o.anna.ID) {
			one, err := c.User(ctx, id)
			ok(t, err)
			if one.State == "active" && slices.ContainsFunc(one.Roles, func(r wire.UserRole) bool { return r.Name == role.Admin }) {
				left++
			}
		}
		refused := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
		if left != 1 || len(refused) == 0 {
			t.Errorf("%d administrators are left; refused: %v", left, refused)
		}
		for _, err := range refused {
			if p := problemOf(err); p.Code != "last_administrator" && !errors.Is(err, role.ErrLastAdmin) {
				t.Errorf("refused for another reason: %v", err)
			}
		}
	})
}

// Nobody disables the account that he asks with, and no operation on accounts is for
// strangers; viewers may look.
func TestAPIOfAccountsAsksWhoItIs(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	mux := http.NewServeMux()
	api := app.NewAPI(mux, Name, "test", issuer, slog.New(slog.DiscardHandler))
	o.userOperations(api)
	ask := func(who *session.Principal, method, path, body string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if who != nil {
			r = r.WithContext(session.With(r.Context(), *who))
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	viewer := &session.Principal{ID: "usr_viewer", Roles: []string{role.Viewer}}
	stranger := &session.Principal{ID: "usr_stranger", Roles: []string{"ca.admin"}}
	rows, operations := o.Rows(t), 0
	for path, item := range api.OpenAPI().Paths {
		path = strings.NewReplacer("{id}", o.anna.ID, "{session}", "ses_1", "{role}", role.Admin).Replace(path)
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete} {
			if op == nil {
				continue
			}
			operations++
			if status, text := ask(nil, method, path, ""); status != http.StatusUnauthorized {
				t.Errorf("%s by nobody: %d %s", op.OperationID, status, text)
			}
			if status, text := ask(stranger, method, path, ""); status != http.StatusForbidden {
				t.Errorf("%s by the administrator of another service: %d %s", op.OperationID, status, text)
			}
			if status, text := ask(viewer, method, path, ""); (method == "GET") != (status == http.StatusOK) || method != "GET" && status != http.StatusForbidden {
				t.Errorf("%s by a viewer: %d %s", op.OperationID, status, text)
			}
		}
	}
	if operations != 16 || o.Rows(t) != rows {
		t.Errorf("%d operations; the audit log has %d rows, not %d", operations, o.Rows(t), rows)
	}
	status, text := ask(&session.Principal{ID: o.anna.ID, Roles: []string{role.Admin}}, "POST", "/api/v1/users/"+o.anna.ID+"/disable", `{"reason":"x"}`)
	if status != http.StatusConflict || !strings.Contains(text, `"own_account"`) {
		t.Errorf("one's own account: %d %s", status, text)
	}
}

func TestAPIOfAccountsRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	const path = "/api/v1/users"
	one := path + "/" + o.anna.ID
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		field, code        string
	}{
		"not JSON":             {"POST", path, `{`, 400, "body", "malformed"},
		"no body":              {"POST", path, ``, 400, "body", "required"},
		"no address":           {"POST", path, `{"name":"x"}`, 422, "email", "required"},
		"no such address":      {"POST", path, `{"email":"x","name":"x"}`, 422, "email", "mail_address"},
		"an address in use":    {"POST", path, `{"email":"` + strings.ToUpper(o.anna.Email) + `","name":"x"}`, 422, "email", "email_in_use"},
		"an empty name":        {"POST", path, `{"email":"b@example.com","name":" "}`, 422, "name", "required"},
		"a long name":          {"POST", path, `{"email":"b@example.com","name":"` + strings.Repeat("x", 65) + `"}`, 422, "name", "too_long"},
		"an oversized name":    {"POST", path, `{"email":"b@example.com","name":"` + strings.Repeat("x", 300) + `"}`, 422, "name", "too_long"},
		"a NUL":                {"POST", path, `{"email":"b@example.com","name":"\u0000"}`, 422, "name", "not_text"},
		"no such language":     {"POST", path, `{"email":"b@example.com","name":"x","language":"tlh"}`, 422, "language", "not_offered"},
		"a password of ours":   {"POST", path, `{"email":"b@example.com","name":"x","password":"correct horse"}`, 422, "password", "unknown"},
		"too large":            {"POST", path, `{"email":"` + strings.Repeat("a", 9<<10) + `"}`, 413, "", ""},
		"no reason":            {"POST", one + "/disable", `{}`, 422, "reason", "required"},
		"a blank reason":       {"POST", one + "/disable", `{"reason":" "}`, 422, "reason", "required"},
		"a long reason":        {"POST", one + "/disable", `{"reason":"` + strings.Repeat("x", 201) + `"}`, 422, "reason", "too_long"},
		"no way to reset":      {"POST", one + "/reset", `{}`, 422, "how", "required"},
		"a wrong way":          {"POST", one + "/reset", `{"how":"magic"}`, 422, "how", "not_allowed"},
		"nothing required":     {"POST", one + "/require-second-factor", `{}`, 422, "required", "required"},
		"a bad state":          {"GET", path + "?state=on", ``, 422, "state", "not_allowed"},
		"a bad sort":           {"GET", path + "?sort=password", ``, 422, "sort", "not_allowed"},
		"a large page":         {"GET", path + "?limit=501", ``, 422, "limit", "out_of_range"},
		"an unknown parameter": {"GET", path + "?mail=x", ``, 422, "mail", "unknown"},
		"a role of nobody":     {"PUT", one + "/roles/*", ``, 422, "role", "not_allowed"},
		"nobody":               {"GET", path + "/usr_none", ``, 404, "", ""},
		"disable nobody":       {"POST", path + "/usr_none/disable", `{"reason":"x"}`, 404, "", ""},
		"enable nobody":        {"POST", path + "/usr_none/enable", ``, 404, "", ""},
		"unlock nobody":        {"POST", path + "/usr_none/unlock", ``, 404, "", ""},
		"reset nobody":         {"POST", path + "/usr_none/reset", `{"how":"password"}`, 404, "", ""},
		"require of nobody":    {"POST", path + "/usr_none/require-second-factor", `{"required":true}`, 404, "", ""},
		"remove nobody's":      {"POST", path + "/usr_none/remove-second-factors", ``, 404, "", ""},
		"nobody's sessions":    {"GET", path + "/usr_none/sessions", ``, 404, "", ""},
		"end nobody's":         {"DELETE", path + "/usr_none/sessions", ``, 404, "", ""},
		"end nobody's one":     {"DELETE", path + "/usr_none/sessions/ses_1", ``, 404, "", ""},
		"nobody's roles":       {"GET", path + "/usr_none/roles", ``, 404, "", ""},
		"a role for nobody":    {"PUT", path + "/usr_none/roles/ca.admin", ``, 404, "", ""},
	} {
		rows := o.Rows(t)
		status, text := o.send(t, c.method, c.path, c.body)
		var p wire.Problem
		ok(t, json.Unmarshal([]byte(text), &p))
		field, code := "", ""
		if len(p.Fields) > 0 {
			field, code = p.Fields[0].Name, p.Fields[0].Code
		}
		if status != c.status || field != c.field || code != c.code || p.Detail == "" || strings.Contains(text, "correct horse") {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if o.Rows(t) != rows {
			t.Errorf("%s was refused, and is recorded", name)
		}
	}
	if list, err := o.client.Users(t.Context(), wire.UserRequest{}); err != nil || list.Total != 1 {
		t.Errorf("what was refused left %+v, %v", list, err)
	}
}

// One-time passwords are kept by no cache.
func TestAPIOfAccountsLetsNoCacheKeepPasswords(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	for path, body := range map[string]string{"/api/v1/users": `{"email":"b@example.com","name":"B","one_time_password":true}`,
		"/api/v1/users/" + o.anna.ID + "/reset": `{"how":"password"}`} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.server.URL+path, strings.NewReader(body))
		ok(t, err)
		r.Header.Set("Authorization", "Bearer "+adminToken)
		r.Header.Set("Content-Type", "application/json")
		answer, err := o.server.Client().Do(r)
		ok(t, err)
		var got wire.ResetUser
		ok(t, errors.Join(json.NewDecoder(answer.Body).Decode(&got), answer.Body.Close()))
		if len(got.Password) != 23 || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, Cache-Control %q", path, answer.StatusCode, answer.Header.Get("Cache-Control"))
		}
	}
}
