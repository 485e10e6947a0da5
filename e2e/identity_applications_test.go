package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"guildhall/platform/guildtest"
)

const (
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	shopID    = "app_shop"
	toolID    = "app_tool"
	portalID  = "app_portal"
	tvID      = "app_tv"
)

// applications are some that people sign in to, and what receives the answers.
type applications struct {
	*server
	back string
}

// withApplications starts a process that knows applications.
func withApplications(t *testing.T) applications {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(receive))
	t.Cleanup(site.Close)
	a := applications{back: site.URL + "/back"}
	data := t.TempDir()
	start(t, data).stop(t)
	pool, err := sql.Open("sqlite", filepath.Join(data, "identity", "identity.db"))
	if err != nil {
		t.Fatal(err)
	}
	code := `"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"scopes":["openid","profile","email","offline_access","orders:read"]`
	for id, is := range map[string][2]string{
		shopID:   {"Paper & Ink Shop", `"kind":"web","token_endpoint_auth_method":"client_secret_basic","redirect_uris":["` + a.back + `"],"post_logout_redirect_uris":["` + a.back + `"],"audiences":["https://api.shop.example.com"],` + code},
		toolID:   {"Command line", `"kind":"native","token_endpoint_auth_method":"none","redirect_uris":["http://127.0.0.1/back"],` + code},
		portalID: {"Portal", `"kind":"web","token_endpoint_auth_method":"client_secret_basic","trusted":true,"redirect_uris":["` + a.back + `"],` + code},
		tvID: {"Television", `"kind":"device","token_endpoint_auth_method":"none","scopes":["openid","profile","offline_access"],
			"grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"]`},
	} {
		_, err := pool.ExecContext(t.Context(), `INSERT INTO clients (id, name, search, state, metadata, made_at, changed_at) VALUES (?, ?, ?, 'active', ?, 1, 1)`,
			id, is[0], id, `{"client_name":"`+is[0]+`",`+is[1]+`}`)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	a.server = start(t, data)
	return a
}

// receive is an application's page for answers: it shows what it got, and how; and
// under /leave the one that signs out by a form. Whoever is in the state "stay" stays
// on the page that would lead to it.
func receive(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if r.Form.Get("state") == "stay" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if r.URL.Path == "/leave" {
		_, _ = fmt.Fprintf(w, `<!doctype html><title>Shop</title><form method="post" action="%s">`, html.EscapeString(r.Form.Get("to")))
		for _, name := range []string{"client_id", "post_logout_redirect_uri", "state"} {
			_, _ = fmt.Fprintf(w, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(r.Form.Get(name)))
		}
		_, _ = fmt.Fprint(w, `<button>Sign out</button></form>`)
		return
	}
	_, _ = fmt.Fprintf(w, "<!doctype html><title>Shop</title><main>%s %s</main>", r.Method, html.EscapeString(r.Form.Encode()))
}

// asks is the address that an application sends browsers to.
func (a applications) asks(id string, changes ...string) string {
	v := url.Values{"client_id": {id}, "redirect_uri": {a.back}, "response_type": {"code"}, "scope": {"openid email orders:read"}, "state": {"s1"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
	}
	return "/oauth2/authorize?" + v.Encode()
}

// leaving is what an application asks for that sends browsers to sign out.
func (a applications) leaving(id string) url.Values {
	return url.Values{"client_id": {id}, "post_logout_redirect_uri": {a.back}, "state": {"bye"}}
}

// arrives waits for the application's page, with a text among what it got.
func (p person) arrives(text string) {
	p.t.Helper()
	p.sees(`location.pathname === "/back" && document.querySelector("main").innerText.includes(` + quote(text) + `)`)
}

// device begins a device's sign-in and returns the code that it shows.
func (a applications) device(t *testing.T) string {
	t.Helper()
	form := url.Values{"client_id": {tvID}, "scope": {"openid profile offline_access"}}
	res, err := a.browser(t).PostForm(a.service("identity")+"/oauth2/device_authorization", form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var got struct {
		Code string `json:"user_code"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Code == "" {
		t.Fatalf("the device got status %d, %v", res.StatusCode, err)
	}
	return got.Code
}

// TestSigningInToApplications goes from an application to its answer and back, in
// a browser that holds forms to where their pages let them go; with and without
// JavaScript.
func TestSigningInToApplications(t *testing.T) {
	t.Parallel()
	a := withApplications(t)
	for name, prepare := range map[string]func(p person){"scripts": func(person) {}, "no scripts": person.withoutScripts} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := meet(t, a.server)
			email := fmt.Sprintf("anna%d@example.com", len(name))
			p.registers(email, "Anna Nowak", firstOne)
			p.leaves()
			prepare(p)
			p.annaUsesTheShop(a, email)
			p.annaAnswersByForm(a, name != "scripts")
			p.annaIsAskedAgain(a)
			p.annaTakesItBack(a)
			p.annaAllowsHerTelevision(a)
			p.annaSignsOut(a, email)
		})
	}
}

func (p person) annaUsesTheShop(a applications, email string) {
	p.goes(a.asks(shopID, "login_hint", email))
	p.reads("Sign in to go on to Paper & Ink Shop")
	p.types("password", firstOne)
	p.sends()
	p.reads("Allow Paper & Ink Shop to use your account?")
	p.reads("orders:read")
	p.clicks(`main button[value="deny"]`)
	p.arrives("error=access_denied")
	p.goes(a.asks(shopID))
	p.clicks(`main button[value="allow"]`)
	p.arrives("GET code=")
	p.arrives("state=s1")
	p.goes(a.asks(shopID, "prompt", "none"))
	p.arrives("GET code=")
	p.goes(a.asks(shopID, "redirect_uri", "https://evil.example.com/"))
	p.reads("an address that it did not register")
}

func (p person) annaAnswersByForm(a applications, byHand bool) {
	p.goes(a.asks(shopID, "response_mode", "form_post"))
	if byHand {
		p.reads("use the button")
		p.clicks(`main form[data-send] button`)
	}
	p.arrives("POST code=")
}

func (p person) annaIsAskedAgain(a applications) {
	p.goes(a.asks(shopID, "prompt", "login"))
	p.reads("wants to be sure that it is you")
	p.types("password", firstOne)
	p.sends()
	p.arrives("GET code=")
	p.goes(a.asks(portalID, "prompt", "select_account"))
	p.reads("Go on to Portal with which account?")
	p.clicks(`main button[value="choose"]`)
	p.arrives("GET code=")
}

func (p person) annaTakesItBack(a applications) {
	p.goes("/applications")
	p.reads("Portal")
	p.clicks(`main a[href="#withdraw-` + shopID + `"]`)
	p.clicks(`#withdraw-` + shopID + ` button.danger`)
	p.reads("The access is withdrawn")
	p.goes(a.asks(shopID, "prompt", "none"))
	p.arrives("error=consent_required")
}

func (p person) annaAllowsHerTelevision(a applications) {
	p.goes("/device")
	p.types("user_code", "BBBB-BBBB")
	p.sends()
	p.reads("no device waiting with this code")
	code := a.device(p.t)
	p.types("user_code", code)
	p.sends()
	p.reads("Allow Television on the device?")
	p.reads(code)
	p.clicks(`main button[value="allow"]`)
	p.reads("The device is allowed")
}

// annaSignsOut comes from the shop to sign out: by a link, and by a form of its own.
func (p person) annaSignsOut(a applications, email string) {
	asked := a.leaving(shopID)
	p.goes("/oauth2/logout?" + asked.Encode())
	p.reads("Do you want to sign out?")
	p.reads("Paper & Ink Shop")
	p.clicks(`main form button`)
	p.arrives("GET state=bye")
	p.goes("/sessions")
	p.opens("/sign-in")
	p.types("email", email)
	p.types("password", firstOne)
	p.sends()
	p.opens("/sessions")
	asked.Set("to", a.service("identity")+"/oauth2/logout")
	visit(p.t, p.ctx, strings.TrimSuffix(a.back, "/back")+"/leave?"+asked.Encode())
	p.clicks("form button")
	p.reads("Do you want to sign out?")
	p.reads(email)
	p.clicks(`main form button`)
	p.arrives("GET state=bye")
	p.goes("/oauth2/logout")
	p.reads("You are signed out")
}

// TestApplicationPagesPlease looks at every page that applications bring people
// to, and walks through it by the tabulator.
func TestApplicationPagesPlease(t *testing.T) {
	t.Parallel()
	a := withApplications(t)
	p := meet(t, a.server)
	p.registers("eva@example.com", "Eva Zielińska", firstOne)
	// waits is where the request waits.
	waits := func(id string, changes ...string) string {
		p.goes(a.asks(id, changes...))
		return p.values(`[location.pathname + location.search]`)[0]
	}
	pages := map[string]string{"applications-none": "/applications"}
	looks(t, p, pages)
	pages = map[string]string{
		"consent":        waits(shopID, "scope", "openid profile email offline_access orders:read", "resource", "https://api.shop.example.com"),
		"consent-local":  waits(toolID, "scope", "openid profile"),
		"choose":         waits(portalID, "prompt", "select_account"),
		"confirm":        waits(portalID, "prompt", "login"),
		"device":         "/device",
		"device-confirm": "/device/confirm?user_code=" + a.device(t),
	}
	pages["sign-in"] = "/sign-in?switch=1&return_to=" + url.QueryEscape(pages["choose"])
	waits(shopID)
	p.clicks(`main button[value="allow"]`)
	p.arrives("code=")
	pages["applications"] = "/applications"
	pages["logout"] = "/oauth2/logout?" + a.leaving(shopID).Encode()
	pages["answer-by-form"] = a.asks(shopID, "response_mode", "form_post", "prompt", "none", "state", "stay")
	looks(t, p, pages)
	waits(shopID, "scope", "openid profile", "state", "stay")
	p.clicks(`main button[value="allow"]`)
	p.sees(`document.querySelector('main a.button[href*="code="]')`) // it leads back by itself
	guildtest.Axe(t, p.ctx)
	guildtest.NoSidewaysScroll(t, p.ctx)
	stranger := meet(t, a.server)
	looks(t, stranger, map[string]string{"signed-out": "/oauth2/logout"})
	for _, anybody := range []person{p, stranger} {
		anybody.goes("/oauth2/logout?client_id=app_x")
		anybody.sees(`document.querySelector("main .alert")`)
		guildtest.Axe(t, anybody.ctx)
	}
}

func looks(t *testing.T, p person, pages map[string]string) {
	t.Helper()
	forgets(t, p.ctx)
	for page, path := range pages {
		t.Run(page, func(t *testing.T) {
			guildtest.Inspect(t, p.ctx, p.s.service("identity")+path, pictures, "application-"+page)
			visit(t, p.ctx, p.s.service("identity")+path)
			walk(t, p.ctx)
		})
	}
}
