package identity

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/audit"
)

const back = "https://shop.example.test/back"

// app registers an application as the preset makes it, with changes.
func (h *host) app(t *testing.T, change func(m *client.Metadata)) client.Client {
	t.Helper()
	m, err := client.Preset(client.Web)
	if err != nil {
		t.Fatal(err)
	}
	m.Name, m.RedirectURIs = "Shop", []string{back}
	if change != nil {
		change(&m)
	}
	c, _, err := h.pages.Clients.Create(t.Context(), m, audit.Caller{Actor: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// asking is the address that the application sends browsers to.
func asking(c client.Client, changes ...string) string {
	v := url.Values{"client_id": {c.ID}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s1"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
	}
	return authorizePath + "?" + v.Encode()
}

// waits is where the request of the application waits in the browser.
func (b *browser) waits(t *testing.T, c client.Client, changes ...string) string {
	t.Helper()
	a := b.get(t, asking(c, changes...))
	to := a.Header.Get("Location")
	if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, authorizePath+"/") {
		t.Fatalf("status %d, leads to %q:\n%s", a.StatusCode, to, a.main())
	}
	return to
}

// allows allows what the application asks for, by the page.
func (b *browser) allows(t *testing.T, request string) answer {
	t.Helper()
	page := b.get(t, request)
	page.wants(t, http.StatusOK, "Allow Shop to use your account?")
	return b.send(t, request, "account", page.find(t, `name="account" value="([^"]+)"`), "decision", "allow")
}

// carries is what the browser takes to the application.
func (a answer) carries(t *testing.T, names ...string) url.Values {
	t.Helper()
	to, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusSeeOther || to.Scheme+"://"+to.Host+to.Path != back {
		t.Fatalf("status %d, leads to %q, %v:\n%s", a.StatusCode, a.Header.Get("Location"), err, a.main())
	}
	values := to.Query()
	for _, name := range append(names, "state", "iss") {
		if values.Get(name) == "" {
			t.Fatalf("%s has no %s", to, name)
		}
	}
	return values
}

func TestAPersonSignsInToAnApplication(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	c := h.app(t, nil)
	b := h.browser()
	request := b.waits(t, c, "login_hint", "anna@example.com")
	b.get(t, request).leadsTo(t, "/sign-in?return_to="+url.QueryEscape(request))
	b.get(t, "/sign-in?return_to="+url.QueryEscape(request)).wants(t, http.StatusOK, "Sign in to go on to Shop", `value="anna@example.com"`)
	b.send(t, "/sign-in", "email", anna.Email, "password", identitytest.Password, "return_to", request).leadsTo(t, request)
	b.get(t, request).wants(t, http.StatusOK, "shop.example.test", "Who you are", "Your e-mail address", "anna@example.com", "Anna Nowak", "Use another account")
	values := b.allows(t, request).carries(t, "code")
	if values.Get("state") != "s1" || values.Get("iss") != "https://identity.guild.example.test" || values.Has("error") {
		t.Errorf("answered %v", values)
	}
	b.get(t, b.waits(t, c)).carries(t, "code")
	if a := b.get(t, b.waits(t, c, "prompt", "none", "scope", "openid profile")).carries(t, "error"); a.Get("error") != oauth.ConsentRequired {
		t.Errorf("answered %v", a)
	}
	if a := h.browser().get(t, h.browser().waits(t, c, "prompt", "none")).carries(t, "error"); a.Get("error") != oauth.LoginRequired {
		t.Errorf("answered %v", a)
	}
}

func TestAPersonDenies(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	b := h.signedIn(t, anna)
	request := b.waits(t, h.app(t, nil))
	if a := b.send(t, request, "account", anna.ID, "decision", "deny").carries(t, "error"); a.Get("error") != oauth.AccessDenied {
		t.Errorf("answered %v", a)
	}
	h.Clock.Advance(time.Minute)
	b.get(t, request).wants(t, http.StatusNotFound, "This request of an application is over")
	b.get(t, authorizePath+"/x").wants(t, http.StatusNotFound)
}

// TestNobodyAllowsForSomebodyElse has a page that was made for another person, or
// by another site.
func TestNobodyAllowsForSomebodyElse(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna, ben := h.Account(t, "anna@example.com"), h.Account(t, "ben@example.com")
	c := h.app(t, nil)
	b := h.signedIn(t, ben)
	request := b.waits(t, c)
	b.send(t, request, "account", anna.ID, "decision", "allow").leadsTo(t, request)
	b.send(t, request, "decision", "allow").leadsTo(t, request)
	b.send(t, request, "account", ben.ID, "decision", "whatever").leadsTo(t, request)
	h.browser().send(t, request, "account", ben.ID, "decision", "allow").leadsTo(t, request)
	h.browser().send(t, authorizePath+"/..%2F..%2F%5Cevil.test", "decision", "allow").leadsTo(t, authorizePath+"/..%2F..%2F%5Cevil.test")
	r := b.from(t, "cross-site", http.MethodPost, request, url.Values{"account": {ben.ID}, "decision": {"allow"}})
	r.wants(t, http.StatusForbidden)
	if allowed, err := h.pages.Grants.Consent(t.Context(), ben.ID, c.ID); err != nil || allowed != nil {
		t.Errorf("allowed is %q, %v", allowed, err)
	}
	if page := b.get(t, request); page.Header.Get("X-Frame-Options") == "" && !strings.Contains(page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Error("the page can be framed")
	}
}

// TestWhatIsNotKnownIsShown has requests that must not be answered where they say.
func TestWhatIsNotKnownIsShown(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.browser()
	c := h.app(t, nil)
	for _, path := range []string{asking(c, "client_id", "app_other"), asking(c, "redirect_uri", "https://evil.test/"), asking(c) + "&redirect_uri=https%3A%2F%2Fevil.test",
		asking(c) + "&client_id=" + c.ID, authorizePath, authorizePath + "?client_id=" + c.ID + "&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax"} {
		a := b.get(t, path)
		if a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" || strings.Contains(a.main(), "evil.test") {
			t.Errorf("%s: status %d, leads to %q:\n%s", path, a.StatusCode, a.Header.Get("Location"), a.main())
		}
	}
	if a := b.get(t, asking(c, "response_type", "ticket")).carries(t, "error"); a.Get("error") != oauth.UnsupportedResponseType {
		t.Errorf("answered %v", a)
	}
}

func TestApplicationsSendByForm(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.browser()
	_, query, _ := strings.Cut(asking(h.app(t, nil)), "?")
	form, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	a := b.from(t, "cross-site", http.MethodPost, authorizePath, form)
	if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, authorizePath+"/") {
		t.Fatalf("status %d, leads to %q", a.StatusCode, to)
	}
	// The body alone is read.
	b.from(t, "cross-site", http.MethodPost, authorizePath+"?"+query, url.Values{"state": {"s1"}}).wants(t, http.StatusBadRequest)
}

func TestAnAnswerByForm(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.signedIn(t, h.Account(t, "anna@example.com"))
	a := b.allows(t, b.waits(t, h.app(t, nil), "response_mode", "form_post", "state", `"><script>`))
	a.wants(t, http.StatusOK, `action="`+back+`"`, `name="code"`, `name="iss"`, `value="&#34;&gt;&lt;script&gt;"`, "/send.js", "Go on")
	if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://shop.example.test;") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Error("a page with a code is kept")
	}
	b.get(t, "/send.js").wants(t, http.StatusOK, "submit()")
}

func TestTheHostOfAnApplicationIsOneOfTheWeb(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	here := hostOf(r, "http://127.0.0.1:4000/cb")
	for uri, want := range map[string]string{back: "shop.example.test", "https://shop.example.test:8443/": "shop.example.test:8443", "http://[::1]/cb": here,
		"com.example.shop:/cb": here, "com.example.shop://bank.example.test/cb": here} {
		if got := hostOf(r, uri); got != want {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
}

// TestPagesLeadOut has a browser that comes from a form of ours: it would not
// follow a redirect elsewhere.
func TestPagesLeadOut(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.signedIn(t, h.Account(t, "anna@example.com"))
	c := h.app(t, nil)
	b.allows(t, b.waits(t, c))
	a := b.from(t, "same-origin", http.MethodGet, b.waits(t, c), nil)
	a.wants(t, http.StatusOK, "Back to Shop", "shop.example.test", `href="`+back+`?code=`)
	if to, ok := strings.CutPrefix(a.Header.Get("Refresh"), "0;url="+back+"?"); !ok || !strings.Contains(to, "code=") {
		t.Errorf("the browser is led to %q", a.Header.Get("Refresh"))
	}
	b.from(t, "cross-site", http.MethodGet, b.waits(t, c), nil).carries(t, "code")
	own := h.app(t, func(m *client.Metadata) {
		m.Kind, m.Method, m.RedirectURIs = client.Native, oauth.MethodNone, []string{"com.example.shop:/cb"}
	})
	request := b.waits(t, own, "redirect_uri", "com.example.shop:/cb")
	page := b.get(t, request)
	page.wants(t, http.StatusOK, "another program could pretend", "on this device")
	form := url.Values{"account": {page.find(t, `name="account" value="([^"]+)"`)}, "decision": {"allow"}}
	b.from(t, "same-origin", http.MethodPost, request, form).wants(t, http.StatusOK, `href="com.example.shop:/cb?code=`)
}

// from is a request that says where it comes from, as browsers do.
func (b *browser) from(t *testing.T, site, method, path string, form url.Values) answer {
	t.Helper()
	there := &browser{host: b.host, cookies: b.cookies, comes: site}
	return there.do(t, method, path, form)
}

func TestAnApplicationAsksWhoItIs(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna, ben := h.Account(t, "anna@example.com"), h.Account(t, "ben@example.com")
	c := h.app(t, func(m *client.Metadata) { m.Trusted = true })
	b := h.signedIn(t, anna)
	h.Clock.Advance(time.Hour)
	request := b.waits(t, c, "max_age", "60")
	b.get(t, request).leadsTo(t, "/confirm?return_to="+url.QueryEscape(request))
	b.get(t, "/confirm?return_to="+url.QueryEscape(request)).wants(t, http.StatusOK, "Shop wants to be sure that it is you")
	b.send(t, "/confirm", "password", identitytest.Password, "return_to", request).leadsTo(t, request)
	b.get(t, request).carries(t, "code")
	h.Clock.Advance(time.Second)
	request = b.waits(t, c, "prompt", "select_account")
	b.get(t, request).wants(t, http.StatusOK, "Go on to Shop with which account?", "anna@example.com")
	b.send(t, request, "account", anna.ID, "decision", "choose").leadsTo(t, request)
	b.get(t, request).carries(t, "code")
	// Somebody else takes over at the page.
	request = b.waits(t, c, "prompt", "select_account")
	b.get(t, "/sign-in?switch=1&return_to="+url.QueryEscape(request)).wants(t, http.StatusOK, "Sign in to go on to Shop")
	b.send(t, "/sign-in", "email", ben.Email, "password", identitytest.Password, "return_to", request).leadsTo(t, request)
	b.get(t, request).carries(t, "code")
	if grants, err := h.pages.Grants.OfAccount(t.Context(), ben.ID); err != nil || len(grants) != 1 {
		t.Errorf("the grants of who took over: %+v, %v", grants, err)
	}
}

func TestANewPasswordComesBeforeTheApplication(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.signedIn(t, h.Account(t, "anna@example.com"))
	h.must(t, `UPDATE accounts SET must_change = TRUE`)
	request := b.waits(t, h.app(t, nil))
	to := "/security/password?return_to=" + url.QueryEscape(request)
	b.get(t, request).leadsTo(t, to)
	b.get(t, to).wants(t, http.StatusOK, `name="return_to" value="`+request+`"`)
	b.send(t, "/security/password", "old", identitytest.Password, "new", "seven quiet rivers", "return_to", request).leadsTo(t, request)
	b.get(t, request).wants(t, http.StatusOK, "Allow Shop")
	b.send(t, "/security/password", "old", "seven quiet rivers", "new", identitytest.Password, "return_to", "//evil.test").leadsTo(t, "/security")
	b.send(t, "/security/password", "old", identitytest.Password, "new", "seven quiet rivers", "return_to", "/").leadsTo(t, "/")
	b.get(t, "/").wants(t, http.StatusOK, "The password is changed")
	b.get(t, "/security/password?return_to=%2F").wants(t, http.StatusOK, `name="return_to" value="/"`)
	b.send(t, "/security/password", "old", "seven quiet rivers", "new", identitytest.Password).leadsTo(t, "/security")
}

func TestTheApplicationsLanguage(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	c := h.app(t, nil)
	b := h.browser()
	b.get(t, b.waits(t, c, "ui_locales", "de fr-CA pl-PL en"))
	if lang := b.cookies["lang"]; lang == nil || lang.Value != "pl" {
		t.Fatalf("the language is %v", lang)
	}
	b.get(t, b.waits(t, c, "ui_locales", "zh"))
	if lang := b.cookies["lang"]; lang.Value != "pl" {
		t.Errorf("what was chosen is changed to %s", lang.Value)
	}
	other := h.browser()
	other.get(t, other.waits(t, c, "ui_locales", "../x \"; y"))
	if lang := other.cookies["lang"]; lang != nil {
		t.Errorf("the language is %v", lang)
	}
}

func TestDevicesAreAllowedByTheirCode(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	c := h.app(t, func(m *client.Metadata) {
		m.Name, m.Kind, m.Method, m.RedirectURIs, m.ResponseTypes = "Television", client.Device, oauth.MethodNone, nil, nil
		m.GrantTypes = []string{oauth.GrantDevice, oauth.GrantRefresh}
	})
	begin := func() (string, string) {
		code, err := h.pages.Devices.Begin(t.Context(), c.ID, oauth.Scopes{"openid", "profile"}, nil, audit.Caller{Actor: c.ID, From: "192.0.2.99"})
		if err != nil {
			t.Fatal(err)
		}
		return code.DeviceCode, code.UserCode
	}
	redeem := func(code string) (grant.Grant, error) {
		h.Clock.Advance(5 * time.Second)
		g, _, err := h.pages.Devices.Redeem(t.Context(), code, c.ID, grant.RefreshLife{}, func(*grant.Grant) error { return nil }, audit.Caller{Actor: c.ID})
		return g, err
	}
	first, code := begin()
	stranger := h.browser()
	stranger.get(t, "/device?user_code="+code).leadsTo(t, "/sign-in?return_to="+url.QueryEscape("/device?user_code="+code))
	b := h.signedIn(t, anna)
	b.get(t, "/device").wants(t, http.StatusOK, "Sign in on a device")
	b.get(t, "/device?user_code="+code).wants(t, http.StatusOK, `value="`+code+`"`)
	b.send(t, "/device", "user_code", "").wants(t, http.StatusUnprocessableEntity)
	b.send(t, "/device", "user_code", "BBBB-BBBB").wants(t, http.StatusUnprocessableEntity, "no device waiting")
	b.send(t, "/device", "user_code", strings.ToLower(strings.ReplaceAll(code, "-", " "))).leadsTo(t, "/device/confirm?user_code="+code)
	b.get(t, "/device/confirm?user_code=BBBB-BBBB").wants(t, http.StatusUnprocessableEntity, "no device waiting")
	b.get(t, "/device/confirm?user_code="+code).wants(t, http.StatusOK, "Allow Television on the device?", code, "192.0.2.99", "Your profile", "Is this device in front of you?")
	b.send(t, "/device/confirm", "user_code", code, "account", "usr_other", "decision", "allow").leadsTo(t, "/device/confirm?user_code="+code)
	b.send(t, "/device/confirm", "user_code", code, "account", anna.ID).leadsTo(t, "/device/confirm?user_code="+code)
	if _, err := redeem(first); oauthCode(err) != oauth.AuthorizationPending {
		t.Errorf("before it is allowed: %v", err)
	}
	b.send(t, "/device/confirm", "user_code", code, "account", anna.ID, "decision", "allow").leadsTo(t, "/applications")
	g, err := redeem(first)
	if err != nil || g.Account != anna.ID || g.ACR != oauth.ACRPassword || !slices.Equal(g.AMR, []string{"pwd"}) {
		t.Errorf("the grant is %+v, %v", g, err)
	}
	b.get(t, "/applications").wants(t, http.StatusOK, "The device is allowed", "Television")
	b.send(t, "/device/confirm", "user_code", code, "account", anna.ID, "decision", "allow").wants(t, http.StatusUnprocessableEntity, "no device waiting")
	second, code := begin()
	b.send(t, "/device/confirm", "user_code", code, "account", anna.ID, "decision", "deny").leadsTo(t, "/applications")
	if _, err := redeem(second); oauthCode(err) != oauth.AccessDenied {
		t.Errorf("after it is denied: %v", err)
	}
}

func oauthCode(err error) string {
	e, _ := oauth.AsError(err)
	return e.Code
}

func TestLinkedApplications(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna, ben := h.Account(t, "anna@example.com"), h.Account(t, "ben@example.com")
	b, other := h.signedIn(t, anna), h.signedIn(t, ben)
	b.get(t, "/applications").wants(t, http.StatusOK, "No application uses your account")
	shop := h.app(t, nil)
	bank := h.app(t, func(m *client.Metadata) { m.Name, m.Trusted = "Bank", true })
	b.allows(t, b.waits(t, shop, "scope", "openid email offline_access"))
	other.allows(t, other.waits(t, shop))
	b.get(t, b.waits(t, bank)).carries(t, "code")
	page := b.get(t, "/applications")
	page.wants(t, http.StatusOK, "Shop", "Bank", "Who you are, Your e-mail address, Also when you are away", "Sign-ins in it: 1", "while you are away", "Withdraw the access of Bank?")
	if a := b.get(t, "/applications?q=ban&sort=name"); !strings.Contains(a.main(), "Bank") || strings.Contains(a.main(), "Withdraw the access of Shop") {
		t.Errorf("the search finds:\n%s", a.main())
	}
	for _, sort := range []string{"name", "since", "last"} {
		b.get(t, "/applications?sort="+sort).wants(t, http.StatusOK, "Shop", "Bank")
	}
	b.send(t, "/applications/"+shop.ID+"/withdraw").leadsTo(t, "/applications")
	if a := b.get(t, "/applications"); strings.Contains(a.main(), "Withdraw the access of Shop") || !strings.Contains(a.main(), "Bank") {
		t.Errorf("after the withdrawal:\n%s", a.main())
	}
	b.get(t, b.waits(t, shop)).wants(t, http.StatusOK, "Allow Shop")
	other.get(t, other.waits(t, shop)).carries(t, "code") // his is his own
	b.send(t, "/applications/app_other/withdraw").leadsTo(t, "/applications")
	h.browser().send(t, "/applications/"+shop.ID+"/withdraw").leadsTo(t, "/sign-in")
}
