package identity

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
	devices "guildhall/identity/internal/session"
	"guildhall/identity/web/locales"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
)

// counter is identity's host as the process serves it: pages and API on one mux, and
// people signed in at the API too.
type counter struct{ *issuance }

func openCounter(t testing.TB, url string, change func(*Config)) *counter {
	t.Helper()
	i := issuerOn(t, url)
	i.config = DefaultConfig()
	if change != nil {
		change(&i.config)
	}
	i.roles = role.New(role.Options{Store: i.store, Journal: i.journal, Known: []string{role.Admin, role.Viewer}, Now: i.Clock.Now})
	log := slog.New(slog.DiscardHandler)
	bundle, err := i18n.NewBundle(weblocales.FS(), locales.FS())
	ok(t, err)
	site := web.NewSite(web.SiteOptions{Bundle: bundle, Log: log, Now: i.Clock.Now})
	served := i.service.service(app.Env{Now: i.Clock.Now, Log: log, Production: true, Site: site, PublicURL: func(string) string { return issuer }})
	mux := http.NewServeMux()
	served.Pages(mux)
	served.API(app.NewAPI(mux, Name, "test", issuer, log))
	i.web = serve(t, web.LargerBodies(served.Bodies, site.Wrap(served.Identify(served.Shell.Handler(mux)), served.CrossOrigin...)))
	return &counter{i}
}

func atBothCounters(t *testing.T, test func(t *testing.T, c *counter)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"sqlite": guildtest.SQLite, "postgres": guildtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, openCounter(t, url(t), nil))
		})
	}
}

// json sends a body of JSON; headers are name, value, name, value.
func (c *counter) json(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, issuer+path, strings.NewReader(body))
	ok(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	out := c.send(t, r)
	if len(out.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("%s %s sets a cookie", method, path)
	}
	return out
}

func (c *counter) login(t testing.TB, email, password, code string) reply {
	t.Helper()
	return c.json(t, http.MethodPost, "/login", fmt.Sprintf(`{"email":%q,"password":%q,"code":%q}`, email, password, code))
}

func (c *counter) me(t testing.TB, access string) reply {
	t.Helper()
	return c.json(t, http.MethodGet, "/me", "", "Authorization", "Bearer "+access)
}

func (c *counter) withToken(t testing.TB, path, refresh string) reply {
	t.Helper()
	return c.json(t, http.MethodPost, path, fmt.Sprintf(`{"refresh_token":%q}`, refresh))
}

// is fails the test unless the reply has the status and, as a problem, the code.
func (r reply) is(t testing.TB, why string, status int, code string) {
	t.Helper()
	if r.StatusCode != status || r.text("code") != code {
		t.Errorf("%s: status %d, %s; want %d %s", why, r.StatusCode, r.Text, status, code)
	}
}

func TestSignInByJSON(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		before, err := c.sessions.List(t.Context(), c.anna.ID)
		ok(t, err)
		in := c.login(t, "ANNA@guild.example.test ", identitytest.Password, "").fine(t)
		if in.Header.Get("Cache-Control") != "no-store" || in.text("token_type") != "Bearer" || in.Body["expires_in"] != 600. || in.Body["id_token"] != nil {
			t.Errorf("the answer: %v %s", in.Header, in.Text)
		}
		claims := c.verified(t, in.text("access_token"), "at+jwt")
		if claims["sub"] != c.anna.ID || claims["client_id"] != client.DirectID || claims["acr"] != "aal1" || fmt.Sprint(claims["aud"]) != "["+issuer+"]" || claims["roles"] != nil {
			t.Errorf("the access token says %v", claims)
		}
		now, err := c.sessions.List(t.Context(), c.anna.ID)
		ok(t, err)
		if len(now) != len(before)+1 || !slices.ContainsFunc(now, func(s devices.Session) bool { return s.ID == claims["sid"] && s.UserAgent == "Go-http-client/1.1" }) {
			t.Errorf("the devices are %+v", now)
		}
		me := c.me(t, in.text("access_token")).fine(t)
		if me.text("id") != c.anna.ID || me.text("email") != "anna@guild.example.test" || me.text("name") != "Anna Nowak" || me.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("me: %s", me.Text)
		}

		c.Clock.Advance(time.Minute)
		next := c.withToken(t, "/refresh", in.text("refresh_token")).fine(t)
		again := c.withToken(t, "/refresh", in.text("refresh_token")).fine(t)
		if next.text("refresh_token") == in.text("refresh_token") || again.text("refresh_token") != next.text("refresh_token") {
			t.Error("a refresh token is not good once, with the same successor for a moment")
		}
		c.me(t, next.text("access_token")).fine(t)

		if out := c.withToken(t, "/logout", in.text("refresh_token")); out.StatusCode != http.StatusNoContent || out.Text != "" {
			t.Errorf("signed out: %d %s", out.StatusCode, out.Text)
		}
		for _, access := range []string{in.text("access_token"), next.text("access_token")} {
			c.me(t, access).is(t, "after signing out", http.StatusUnauthorized, "invalid_token")
		}
		c.withToken(t, "/refresh", next.text("refresh_token")).is(t, "after signing out", http.StatusUnauthorized, "refresh_token_over")
		if now, err = c.sessions.List(t.Context(), c.anna.ID); err != nil || len(now) != len(before) {
			t.Errorf("the devices are %+v, %v", now, err)
		}
		if out := c.withToken(t, "/logout", next.text("refresh_token")); out.StatusCode != http.StatusNoContent {
			t.Errorf("signed out again: %d %s", out.StatusCode, out.Text)
		}
	})
}

// A refresh token that comes again after its moment of grace ends the sign-in's tokens.
func TestRefreshByJSONTwice(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		in := c.login(t, c.anna.Email, identitytest.Password, "").fine(t)
		const many = 8
		got := make([]reply, many)
		var racing sync.WaitGroup
		for i := range got {
			racing.Go(func() { got[i] = c.withToken(t, "/refresh", in.text("refresh_token")) })
		}
		racing.Wait()
		for _, one := range got {
			if one.fine(t).text("refresh_token") != got[0].text("refresh_token") {
				t.Error("two successors of one token")
			}
		}
		c.Clock.Advance(time.Minute)
		c.withToken(t, "/refresh", in.text("refresh_token")).is(t, "used again", http.StatusUnauthorized, "refresh_token_over")
		c.withToken(t, "/refresh", got[0].text("refresh_token")).is(t, "its successor", http.StatusUnauthorized, "refresh_token_over")
		c.me(t, got[0].text("access_token")).is(t, "its access token", http.StatusUnauthorized, "invalid_token")
	})
}

// sameBut is the text of a problem without what is never the same.
func sameBut(r reply) string {
	delete(r.Body, "request_id")
	return fmt.Sprint(r.StatusCode, r.Body)
}

func TestSignInByJSONRefuses(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		wrong := c.login(t, c.anna.Email, "not her password", "")
		wrong.is(t, "a wrong password", http.StatusUnauthorized, "sign_in_failed")
		bob := c.Account(t, "bob@guild.example.test")
		ok(t, c.accounts.Disable(t.Context(), bob.ID, "left", audit.Caller{Actor: "local:root"}))
		for who, got := range map[string]reply{"nobody's address": c.login(t, "nobody@guild.example.test", identitytest.Password, ""),
			"a disabled account": c.login(t, bob.Email, identitytest.Password, "")} {
			if sameBut(got) != sameBut(wrong) {
				t.Errorf("%s is told from a wrong password: %s and %s", who, got.Text, wrong.Text)
			}
		}
		given, err := c.accounts.GivePassword(t.Context(), c.anna.ID, audit.Caller{Actor: "local:root"})
		ok(t, err)
		c.login(t, c.anna.Email, given, "").is(t, "a password of somebody else's", http.StatusForbidden, "password_change_required")
		eve := c.Account(t, "eve@guild.example.test")
		in := c.login(t, eve.Email, identitytest.Password, "").fine(t)
		ok(t, c.accounts.RequireSecond(t.Context(), eve.ID, true, audit.Caller{Actor: "local:root"}))
		const setup = "second_factor_setup_required"
		c.login(t, eve.Email, identitytest.Password, "").is(t, "without the second factor that is due", http.StatusForbidden, setup)
		c.withToken(t, "/refresh", in.text("refresh_token")).is(t, "a refresh by such an account", http.StatusForbidden, setup)
		c.me(t, in.text("access_token")).is(t, "the page of such an account", http.StatusForbidden, setup)
	})
}

func TestSignInByJSONWithSecondFactor(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		by := audit.Caller{Actor: c.anna.ID}
		owner := ownerIn(t, c.sessions, c.anna)
		made, err := c.factors.BeginTOTP(t.Context(), owner)
		ok(t, err)
		code := func() string {
			c.Clock.Advance(time.Minute)
			text, err := totp.GenerateCode(strings.ReplaceAll(made.Secret, " ", ""), c.Clock.Now())
			ok(t, err)
			return text
		}
		ok(t, c.factors.ConfirmTOTP(t.Context(), owner, code(), by))
		recovery, err := c.factors.MakeRecovery(t.Context(), owner, by)
		ok(t, err)
		before, err := c.sessions.List(t.Context(), c.anna.ID)
		ok(t, err)

		c.login(t, c.anna.Email, identitytest.Password, "").is(t, "without a code", http.StatusUnauthorized, "second_factor_required")
		c.login(t, c.anna.Email, "not her password", code()).is(t, "a code without the password", http.StatusUnauthorized, "sign_in_failed")
		c.login(t, c.anna.Email, identitytest.Password, "abcd-efgh-jkmn-pqrs").is(t, "a wrong recovery code", http.StatusUnprocessableEntity, "factor_recovery_wrong")
		right := code()
		in := c.login(t, c.anna.Email, identitytest.Password, right[:3]+" "+right[3:]).fine(t)
		if claims := c.verified(t, in.text("access_token"), "at+jwt"); claims["acr"] != "aal2" || fmt.Sprint(claims["amr"]) != "[pwd otp mfa]" {
			t.Errorf("the token says %v", claims)
		}
		c.login(t, c.anna.Email, identitytest.Password, right).is(t, "a code twice", http.StatusUnprocessableEntity, "factor_code_used")
		c.login(t, c.anna.Email, identitytest.Password, recovery[0]).fine(t)
		c.login(t, c.anna.Email, identitytest.Password, recovery[0]).is(t, "a recovery code twice", http.StatusUnprocessableEntity, "factor_recovery_wrong")
		if now, err := c.sessions.List(t.Context(), c.anna.ID); err != nil || len(now) != len(before)+2 {
			t.Errorf("what was refused began sessions: %+v, %v", now, err)
		}
	})
}

// Tries at the page and by JSON are one count, and parallel ones beat it nowhere.
func TestGuessingByJSONIsCounted(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		const free, tries = 5, 20
		form := values("email", c.anna.Email, "password", "wrong at the page")
		if got := c.call(t, "/sign-in", form, nil); got.StatusCode != http.StatusUnprocessableEntity {
			t.Fatalf("at the page: %d", got.StatusCode)
		}
		var guessing sync.WaitGroup
		looked := make([]bool, tries)
		for i := range looked {
			guessing.Go(func() {
				looked[i] = c.login(t, c.anna.Email, "wrong by JSON", "").StatusCode == http.StatusUnauthorized
			})
		}
		guessing.Wait()
		n := 0
		for _, l := range looked {
			if l {
				n++
			}
		}
		if n > free-1 {
			t.Errorf("%d guesses were looked at beside the one at the page, of %d in all that may be", n, free)
		}
		right := c.login(t, c.anna.Email, identitytest.Password, "")
		if right.is(t, "the right one afterwards", http.StatusTooManyRequests, "too_many_attempts"); right.Header.Get("Retry-After") == "" {
			t.Error("it is not said how long to wait")
		}
	})
}

// Whoever tries one password at many addresses is slowed down by where he comes from.
func TestSprayingByJSONIsCounted(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		const free = 20
		for i := range free {
			c.login(t, fmt.Sprintf("somebody-%d@guild.example.test", i), "one for all", "").is(t, "a free try", http.StatusUnauthorized, "sign_in_failed")
		}
		c.login(t, c.anna.Email, identitytest.Password, "").is(t, "the right password after those", http.StatusTooManyRequests, "too_many_attempts")
	})
}

func TestRegisterByJSON(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		register := func(email string) reply {
			return c.json(t, http.MethodPost, "/register", fmt.Sprintf(`{"email":%q,"name":"Eve","password":%q}`, email, identitytest.Password))
		}
		known, unknown := register(c.anna.Email), register("eve@guild.example.test")
		for _, r := range []reply{known, unknown} {
			if r.StatusCode != http.StatusAccepted || len(r.Body) != 1 || len(r.text("challenge")) != len(known.text("challenge")) {
				t.Errorf("the answers differ: %d %s", r.StatusCode, r.Text)
			}
		}
		letter := c.Code(t, unknown.text("challenge"))
		end := func(challenge, code string) reply {
			return c.json(t, http.MethodPost, "/register/code", fmt.Sprintf(`{"challenge":%q,"code":%q}`, challenge, code))
		}
		if got := end(known.text("challenge"), letter); got.StatusCode < 400 {
			t.Errorf("the code of another registration: %d %s", got.StatusCode, got.Text)
		}
		made := end(unknown.text("challenge"), letter)
		if made.StatusCode != http.StatusCreated || made.text("email") != "eve@guild.example.test" || made.text("name") != "Eve" {
			t.Errorf("made: %d %s", made.StatusCode, made.Text)
		}
		if got := end(unknown.text("challenge"), letter); got.StatusCode < 400 {
			t.Errorf("the same code again: %d %s", got.StatusCode, got.Text)
		}
		c.login(t, "eve@guild.example.test", identitytest.Password, "").fine(t)
		weak := c.json(t, http.MethodPost, "/register", `{"email":"no address","name":"","password":"short"}`)
		weak.is(t, "what is no registration", http.StatusUnprocessableEntity, "invalid_fields")
		for _, field := range []string{`"email"`, `"name"`, `"password"`} {
			if !strings.Contains(weak.Text, field) {
				t.Errorf("%s is not named: %s", field, weak.Text)
			}
		}
		page := c.call(t, "/register", values("email", "joe@guild.example.test", "name", "Joe", "password", identitytest.Password), nil)
		if to := page.Header.Get("Location"); page.StatusCode != http.StatusSeeOther || to != "/register/code" {
			t.Errorf("the page of the same address: %d to %q", page.StatusCode, to)
		}
	})
}

func TestMe(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		access := c.login(t, c.anna.Email, identitytest.Password, "").fine(t).text("access_token")
		patch := func(body string) reply {
			return c.json(t, http.MethodPatch, "/me", body, "Authorization", "bearer "+access)
		}
		got := patch(`{"name":" Anna  Maria ","theme":"dark"}`).fine(t)
		if got.text("name") != "Anna Maria" || got.text("theme") != "dark" || got.text("language") != "en" {
			t.Errorf("changed to %s", got.Text)
		}
		if got = patch(`{"language":"pl"}`).fine(t); got.text("name") != "Anna Maria" || got.text("language") != "pl" {
			t.Errorf("changed to %s", got.Text)
		}
		for _, body := range []string{`{"name":""}`, `{"name":"` + strings.Repeat("x", 65) + `"}`, `{"language":"de"}`, `{"theme":"pink"}`, `{"email":"eve@example.com"}`, `{"name":null,"nick":1}`} {
			if got := patch(body); got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", body, got.StatusCode, got.Text)
			}
		}
		if me := c.me(t, access).fine(t); me.text("name") != "Anna Maria" || me.text("theme") != "dark" || me.text("email") != c.anna.Email {
			t.Errorf("in the end: %s", me.Text)
		}
		for header, code := range map[string]string{"": "unauthenticated", "Basic YTpi": "unauthenticated", "Bearer": "invalid_token", "Bearer x.y.z": "invalid_token", "Bearer " + adminToken: "invalid_token"} {
			got := c.json(t, http.MethodGet, "/me", "", "Authorization", header)
			if got.is(t, header, http.StatusUnauthorized, code); got.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%q: it is not said how to sign in", header)
			}
		}
		c.Clock.Advance(11 * time.Minute)
		c.me(t, access).is(t, "a token that is over", http.StatusUnauthorized, "invalid_token")
	})
}

// What a person has allowed another application opens nothing here, and what she got
// here is nothing for the token endpoint.
func TestTokensOfOthersByJSON(t *testing.T) {
	t.Parallel()
	c := openCounter(t, guildtest.SQLite(t), nil)
	shop := c.application(t, client.Web, nil)
	theirs := shop.signsIn(t)
	c.person(t, theirs.text("access_token")).fine(t)
	c.me(t, theirs.text("access_token")).is(t, "the shop's access token", http.StatusUnauthorized, "invalid_token")
	c.withToken(t, "/refresh", theirs.text("refresh_token")).is(t, "the shop's refresh token", http.StatusUnauthorized, "refresh_token_over")
	if out := c.withToken(t, "/logout", theirs.text("refresh_token")); out.StatusCode != http.StatusNoContent {
		t.Errorf("signing out with the shop's: %d", out.StatusCode)
	}
	shop.refresh(t, theirs.text("refresh_token")).fine(t)

	own := c.login(t, c.anna.Email, identitytest.Password, "").fine(t)
	c.withToken(t, "/refresh", own.text("access_token")).is(t, "an access token to refresh", http.StatusUnauthorized, "refresh_token_over")
	c.me(t, own.text("refresh_token")).is(t, "a refresh token", http.StatusUnauthorized, "invalid_token")
	shop.refresh(t, own.text("refresh_token")).refuses(t, "the shop with a token of ours", "invalid_grant")
	for _, grant := range []string{"refresh_token", "password"} {
		c.call(t, tokenPath, values("client_id", client.DirectID, "grant_type", grant, "refresh_token", own.text("refresh_token"),
			"username", c.anna.Email, "password", identitytest.Password), nil).refuses(t, "somebody in our name by "+grant, "invalid_client")
	}
	c.withToken(t, "/refresh", own.text("refresh_token")).fine(t)
}

func TestSignInByJSONTakesJSONAlone(t *testing.T) {
	t.Parallel()
	c := openCounter(t, guildtest.SQLite(t), nil)
	rows := c.Rows(t)
	for why, got := range map[string]struct {
		reply  reply
		status int
	}{
		"a form":                      {c.json(t, http.MethodPost, "/login", "email=a&password=b", "Content-Type", "application/x-www-form-urlencoded"), 415},
		"a text":                      {c.json(t, http.MethodPost, "/login", `{"email":"a","password":"b"}`, "Content-Type", "text/plain"), 415},
		"bytes of no kind":            {c.json(t, http.MethodPost, "/login", `{"email":"a","password":"b"}`, "Content-Type", ""), 415},
		"another site":                {c.json(t, http.MethodPost, "/login", `{"email":"a","password":"b"}`, "Sec-Fetch-Site", "cross-site"), 403},
		"another site that signs out": {c.json(t, http.MethodPost, "/logout", `{"refresh_token":"x"}`, "Origin", "https://evil.example"), 403},
		"no object":                   {c.json(t, http.MethodPost, "/login", `[]`), 422},
		"no JSON":                     {c.json(t, http.MethodPost, "/login", `{"email":`), 400},
		"half of it":                  {c.json(t, http.MethodPost, "/login", `{"email":"a"}`), 422},
		"more":                        {c.json(t, http.MethodPost, "/login", `{"email":"a","password":"b","admin":true}`), 422},
		"twice":                       {c.json(t, http.MethodPost, "/login", `{"email":"a","password":"b","password":"c"}`), 422},
		"a NUL":                       {c.json(t, http.MethodPost, "/login", `{"email":"a\u0000","password":"b"}`), 422},
		"too long":                    {c.json(t, http.MethodPost, "/login", `{"email":"a","password":"`+strings.Repeat("x", 1001)+`"}`), 422},
		"far too long":                {c.json(t, http.MethodPost, "/register", `{"name":"`+strings.Repeat("x", 10000)+`"}`), 413},
		"no token":                    {c.json(t, http.MethodPost, "/refresh", `{}`), 422},
	} {
		if got.reply.StatusCode != got.status {
			t.Errorf("%s: %d %.300s, want %d", why, got.reply.StatusCode, got.reply.Text, got.status)
		}
	}
	form := c.json(t, http.MethodPost, "/login", "email=a&password=b", "Content-Type", "application/x-www-form-urlencoded")
	if !strings.Contains(form.Text, `"wrong_content_type"`) || !strings.Contains(form.Text, `application/json."`) {
		t.Errorf("a form: %s", form.Text)
	}
	if c.Rows(t) != rows {
		t.Errorf("something was done: %q", c.Actions(t, rows+1))
	}
}

func TestSignInByJSONIsSwitchedOff(t *testing.T) {
	t.Parallel()
	c := openCounter(t, guildtest.SQLite(t), func(c *Config) { c.JSONSignIn = false })
	for _, path := range []string{"/login", "/refresh", "/logout"} {
		if got := c.json(t, http.MethodPost, path, `{}`); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if got := c.json(t, http.MethodPost, "/register", `{"email":"eve@example.com","name":"Eve","password":"correct horse battery"}`); got.StatusCode < 400 {
		t.Errorf("/register by JSON: %d", got.StatusCode)
	}
}

// An administrator disables the application, and with it all its tokens.
func TestSignInByJSONIsDisabled(t *testing.T) {
	t.Parallel()
	c := openCounter(t, guildtest.SQLite(t), nil)
	in := c.login(t, c.anna.Email, identitytest.Password, "").fine(t)
	ok(t, c.clients.Disable(t.Context(), client.DirectID, audit.Caller{Actor: "local:root"}))
	c.me(t, in.text("access_token")).is(t, "an access token", http.StatusUnauthorized, "invalid_token")
	for _, got := range []reply{c.login(t, c.anna.Email, identitytest.Password, ""), c.withToken(t, "/refresh", in.text("refresh_token"))} {
		got.is(t, "while it is disabled", http.StatusForbidden, "json_sign_in_off")
	}
}

// The page of the API leads back to where its reader comes from.
func TestThePageOfTheAPIKnowsTheWayBack(t *testing.T) {
	t.Parallel()
	p := newPages(pageOptions{Site: web.NewSite(web.SiteOptions{})})
	for name, test := range map[string]struct {
		roles []string
		want  *web.Shell
	}{"a person": {nil, p.shell}, "a viewer": {[]string{role.Viewer}, p.admin}, "an administrator": {[]string{role.Admin}, p.admin}} {
		r := httptest.NewRequest(http.MethodGet, "/api", nil)
		if p.apiShell(r) != p.public {
			t.Errorf("nobody has a navigation")
		}
		r = r.WithContext(signin.With(r.Context(), signin.Principal{Roles: test.roles}))
		if p.apiShell(r) != test.want {
			t.Errorf("%s has another navigation", name)
		}
	}
}

// The header of the page of the API is that of the pages beside it.
func TestThePageOfTheAPIShowsThePicture(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, anna := h.holder(t, "anna@example.com", role.Admin)
	ok(t, h.pages.Accounts.SetPicture(t.Context(), anna.ID, []byte("a picture"), identitytest.By.As(anna.ID)))
	r := httptest.NewRequest(http.MethodGet, "/api", nil)
	r.AddCookie(b.cookies[sessionCookie])
	r = r.WithContext(signin.With(r.Context(), signin.Principal{Roles: []string{role.Admin}}))
	shown := httptest.NewRecorder()
	h.pages.apiShell(r).Render(shown, r, http.StatusOK, web.Page{Title: "API", Body: templ.NopComponent})
	if page := shown.Body.String(); !strings.Contains(page, `src="/pictures/`) || !strings.Contains(page, "/admin/users") {
		t.Errorf("the header has no picture, or the page no navigation:\n%s", page)
	}
}

// Whoever is signed in in a browser may use the API from its page by the roles that
// the pages ask for, and nobody may send somebody else's browser there.
func TestTheAPIKnowsWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	c := openCounter(t, guildtest.SQLite(t), nil)
	const path, robot = "/api/v1/applications", `{"kind":"service","client_name":"Robot"}`
	call := func(method, path, body string, headers ...string) reply {
		return c.json(t, method, path, body, append([]string{"Cookie", c.cookie.String()}, headers...)...)
	}
	call(http.MethodGet, path, "").is(t, "without a role", http.StatusForbidden, "forbidden")
	call(http.MethodGet, "/me", "").fine(t)
	ok(t, c.roles.Give(t.Context(), role.Admin, role.Holder{Account: c.anna.ID}, audit.Caller{Actor: "local:root"}))
	call(http.MethodGet, path, "").fine(t)
	rows := c.Rows(t)
	call(http.MethodPost, path, robot).fine(t)
	if got := c.Actions(t, rows); !slices.Contains(got, "application.created") {
		t.Errorf("recorded: %q", got)
	}
	if got := call(http.MethodPost, path, robot, "Sec-Fetch-Site", "cross-site"); got.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", got.StatusCode)
	}
	call(http.MethodGet, path, "", "Authorization", "Bearer nonsense").is(t, "a bad token beside the cookie", http.StatusUnauthorized, "unauthenticated")
	c.Clock.Advance(16 * time.Minute)
	call(http.MethodPost, path, robot).is(t, "after a while", http.StatusForbidden, "confirm_first")
	call(http.MethodPatch, "/me", `{"theme":"dark"}`).fine(t)
	call(http.MethodGet, path, "").fine(t)
	ok(t, c.accounts.RequireSecond(t.Context(), c.anna.ID, true, audit.Caller{Actor: "local:root"}))
	call(http.MethodGet, path, "").is(t, "before the second factor is set up", http.StatusUnauthorized, "unauthenticated")
	c.json(t, http.MethodGet, path, "").is(t, "nobody", http.StatusUnauthorized, "unauthenticated")
}
