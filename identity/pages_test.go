package identity

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/identitytest"
	"guildhall/platform/audit"
)

func TestSignInLeadsToOwnPagesAlone(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	a := h.Account(t, "anna@example.com")
	for to, want := range map[string]string{"/security": "/security", "//evil.test/": "/", "https://evil.test/": "/", "/\\evil.test": "/"} {
		b := h.browser()
		if page := b.get(t, "/sign-in?return_to="+url.QueryEscape(to)); strings.Contains(page.main(), "evil.test") {
			t.Errorf("the page repeats %s", to)
		}
		b.send(t, "/sign-in", "email", a.Email, "password", identitytest.Password, "return_to", to).leadsTo(t, want)
		b.get(t, "/sign-in?return_to="+url.QueryEscape(to)).leadsTo(t, want)
	}
}

func TestCookiesAreKeptToThisHost(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	a := h.Account(t, "anna@example.com")
	b := h.browser()
	res := b.send(t, "/sign-in", "email", a.Email, "password", identitytest.Password)
	if res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("kept by caches: %q", res.Header.Get("Cache-Control"))
	}
	b.send(t, "/reset", "email", a.Email)
	b.send(t, "/passkey/begin", "for", "sign-in")
	found := 0
	for name, c := range b.cookies {
		if !strings.HasPrefix(name, "__Host-guildhall-") {
			continue
		}
		found++
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if found != 3 {
		t.Errorf("%d cookies: %v", found, b.cookies)
	}
}

// Pages must not tell whether an address has an account.
func TestAnswersAreTheSameForKnownAndUnknownAddresses(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	h.Account(t, "anna@example.com")
	plain := func(a answer, email string) string {
		return a.Status + a.Header.Get("Location") + strings.ReplaceAll(a.main(), email, "ADDRESS")
	}
	for _, try := range []struct {
		path string
		form []string
	}{
		{"/sign-in", []string{"password", "not her password"}},
		{"/reset", nil},
		{"/register", []string{"name", "Somebody", "password", "seven quiet rivers"}},
	} {
		known := h.browser().send(t, try.path, append(try.form, "email", "anna@example.com")...)
		unknown := h.browser().send(t, try.path, append(try.form, "email", "ben0@example.com")...)
		if a, b := plain(known, "anna@example.com"), plain(unknown, "ben0@example.com"); a != b {
			t.Errorf("%s: known\n%s\nunknown\n%s", try.path, a, b)
		}
	}
}

func TestWhatProtectsTheAccountAsksAgain(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	a := h.Account(t, "anna@example.com")
	b := h.signedIn(t, a)
	b.get(t, "/security/authenticator").wants(t, http.StatusOK)
	h.Clock.Advance(16 * time.Minute)
	b.get(t, "/security").wants(t, http.StatusOK)
	b.get(t, "/security/authenticator").leadsTo(t, "/confirm?return_to=%2Fsecurity%2Fauthenticator")
	for _, path := range []string{"/security/authenticator", "/security/authenticator/remove", "/security/recovery", "/security/passkeys", "/security/passkeys/pky_1/remove"} {
		b.send(t, path, "as", "1", "code", "123456").leadsTo(t, "/confirm?return_to=%2Fsecurity")
	}
	b.get(t, "/confirm?return_to=/security").wants(t, http.StatusOK, "What you want to change protects your account", `href="/security"><span>Cancel`)
	b.get(t, "/confirm?return_to=/admin/applications/new").wants(t, http.StatusOK, "Administration wants a recent sign-in")
	b.send(t, "/confirm", "password", "not her password", "return_to", "/security").wants(t, http.StatusUnprocessableEntity, "This is not your password")
	before := b.cookies[sessionCookie].Value
	b.send(t, "/confirm", "password", identitytest.Password, "return_to", "/security/authenticator").leadsTo(t, "/security/authenticator")
	b.get(t, "/security/authenticator").wants(t, http.StatusOK)
	thief := h.browser()
	thief.cookies[sessionCookie] = &http.Cookie{Name: sessionCookie, Value: before}
	thief.get(t, "/security").leadsTo(t, "/sign-in?return_to=%2Fsecurity")
}

// TestAPasswordAloneDoesNotTakeAFactorAway has somebody at an open browser who
// knows the password.
func TestAPasswordAloneDoesNotTakeAFactorAway(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	a := h.Account(t, "anna@example.com")
	b := h.signedIn(t, a)
	by := audit.Caller{Actor: a.ID}
	owner := ownerIn(t, h.pages.Sessions, a)
	made, err := h.pages.Factors.BeginTOTP(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	code := func() string {
		text, err := totp.GenerateCode(strings.ReplaceAll(made.Secret, " ", ""), h.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := h.pages.Factors.ConfirmTOTP(t.Context(), owner, code(), by); err != nil {
		t.Fatal(err)
	}
	recovery, err := h.pages.Factors.MakeRecovery(t.Context(), owner, by)
	if err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(16 * time.Minute)
	to := "return_to"
	b.get(t, "/confirm").wants(t, http.StatusOK, `name="code"`)
	pending := h.browser()
	pending.send(t, "/sign-in", "email", a.Email, "password", identitytest.Password)
	pending.send(t, "/sign-in/second-factor", "with", "totp").wants(t, http.StatusUnprocessableEntity, "Code of your authenticator: ")
	pending.send(t, "/sign-in/second-factor", "with", "totp", "code", recovery[1], to, "/security").leadsTo(t, "/security")
	b.send(t, "/confirm", "password", identitytest.Password, to, "/security").wants(t, http.StatusUnprocessableEntity)
	b.send(t, "/confirm", "password", identitytest.Password, "code", "000000", to, "/security").wants(t, http.StatusUnprocessableEntity)
	b.send(t, "/confirm", "password", "not her password", "code", code(), to, "/security").wants(t, http.StatusUnprocessableEntity, "This is not your password")
	b.get(t, "/security/authenticator").leadsTo(t, "/confirm?return_to=%2Fsecurity%2Fauthenticator")
	b.send(t, "/confirm", "password", identitytest.Password, "code", code(), to, "/security").leadsTo(t, "/security")
	b.get(t, "/security/passkeys/new").wants(t, http.StatusOK)
	h.Clock.Advance(16 * time.Minute)
	b.send(t, "/confirm", "password", identitytest.Password, "code", recovery[0], to, "/security").leadsTo(t, "/security")
	h.Clock.Advance(16 * time.Minute)
	b.send(t, "/confirm", "password", identitytest.Password, "code", recovery[0], to, "/security").wants(t, http.StatusUnprocessableEntity)
}

func TestStrangersReachNothing(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.browser()
	for _, path := range []string{"/", "/email", "/email/code", "/delete", "/confirm", "/security", "/security/password", "/security/authenticator", "/security/passkeys/new", "/sessions"} {
		a := b.get(t, path)
		if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in?return_to=") && path != "/" {
			t.Errorf("%s: %d, %q", path, a.StatusCode, to)
		}
	}
	for _, path := range []string{"/", "/email", "/delete", "/security/recovery", "/sessions/end-others", "/sessions/ses_1/end"} {
		b.send(t, path).leadsTo(t, "/sign-in")
	}
	b.send(t, "/passkey/begin", "for", "adding").wants(t, http.StatusUnauthorized, `"problem":`)
	b.send(t, "/passkey/begin", "for", "second-factor").wants(t, http.StatusUnauthorized, `"problem":`)
	b.get(t, "/sign-in/second-factor").leadsTo(t, "/sign-in")
}

func TestFormsKeepWhatWasTypedButNoSecrets(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	const secret = "dragon12345"
	page := h.browser().send(t, "/register", "name", "Zoë", "email", "zoe at example", "password", secret)
	page.wants(t, http.StatusUnprocessableEntity, `value="Zoë"`, `value="zoe at example"`, "This is not an e-mail address", "among those that are tried first", `aria-invalid="true"`)
	if strings.Contains(page.Text, secret) {
		t.Error("the page repeats the password")
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	a := h.Account(t, "anna@example.com")
	b := h.browser()
	for range 5 {
		b.send(t, "/sign-in", "email", a.Email, "password", "not her password").wants(t, http.StatusUnprocessableEntity, "do not fit together")
	}
	late := b.send(t, "/sign-in", "email", a.Email, "password", identitytest.Password)
	late.wants(t, http.StatusUnprocessableEntity, "too many attempts")
	if late.Header.Get("Retry-After") == "" {
		t.Error("it does not say how long to wait")
	}
}

func TestNobodyEndsSomebodyElsesSession(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna, ben := h.Account(t, "anna@example.com"), h.Account(t, "ben@example.com")
	hers, his := h.signedIn(t, anna), h.signedIn(t, ben)
	other := h.signedIn(t, anna)
	hers.get(t, "/sessions").wants(t, http.StatusOK, "Sessions in other browsers: 1")
	id := hers.get(t, "/sessions").find(t, `action="/sessions/(ses_[^/]+)/end"`)
	his.send(t, "/sessions/"+id+"/end").leadsTo(t, "/sessions")
	other.get(t, "/").wants(t, http.StatusOK)
	hers.send(t, "/sessions/"+id+"/end").leadsTo(t, "/sessions")
	other.get(t, "/").leadsTo(t, "/sign-in")
	other = h.signedIn(t, anna)
	hers.send(t, "/sessions/end-others").leadsTo(t, "/sessions")
	other.get(t, "/").leadsTo(t, "/sign-in")
	his.get(t, "/").wants(t, http.StatusOK)
}

func TestAPasswordThatMustBeChangedComesFirst(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.signedIn(t, h.Account(t, "anna@example.com"))
	h.must(t, `UPDATE accounts SET must_change = TRUE`)
	for _, path := range []string{"/", "/security", "/sessions", "/email", "/confirm"} {
		b.get(t, path).leadsTo(t, "/security/password")
	}
	b.send(t, "/delete", "sure", "on", "password", identitytest.Password).leadsTo(t, "/security/password")
	b.get(t, "/security/password").wants(t, http.StatusOK, "Choose a password of your own", `name="return_to" value="/"`)
	b.send(t, "/security/password", "old", identitytest.Password, "new", "seven quiet rivers").leadsTo(t, "/security")
	b.get(t, "/").wants(t, http.StatusOK)
}

func TestClosedRegistration(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	h.pages.Open = false
	b := h.browser()
	b.get(t, "/register").wants(t, http.StatusOK, "Registration is closed")
	if strings.Contains(b.get(t, "/sign-in").main(), "/register") {
		t.Error("the sign-in offers it")
	}
}

func TestRegistrationNeedsItsOwnBrowser(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.browser()
	b.send(t, "/register", "name", "Anna", "email", "anna@example.com", "password", "seven quiet rivers", "return_to", "/sessions").leadsTo(t, "/register/code")
	c, ok := challengeOf(&http.Request{Header: http.Header{"Cookie": {b.cookies["__Host-guildhall-register"].String()}}}, "register")
	if !ok {
		t.Fatal("no challenge")
	}
	code := h.Code(t, c.ID)
	other := h.browser()
	other.send(t, "/register/code", "code", code).leadsTo(t, "/register")
	other.send(t, "/register", "name", "Eve", "email", "anna@example.com", "password", "lantern under water")
	other.send(t, "/register/code", "code", code).wants(t, http.StatusUnprocessableEntity)
	b.get(t, "/register/code").wants(t, http.StatusOK, "anna@example.com")
	b.send(t, "/register/code", "code", code).leadsTo(t, "/sessions")
	b.get(t, "/").wants(t, http.StatusOK, "Anna")
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b := h.signedIn(t, h.Account(t, "anna@example.com"))
	kept := b.cookies[sessionCookie]
	b.send(t, "/sign-out").leadsTo(t, "/sign-in")
	b.cookies[sessionCookie] = kept
	b.get(t, "/").leadsTo(t, "/sign-in")
}

func TestRecoveryCodesAreMadeOnce(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	a := h.Account(t, "anna@example.com")
	b := h.signedIn(t, a)
	b.send(t, "/security/recovery", "as", "one").wants(t, http.StatusConflict)
	b.send(t, "/security/recovery").wants(t, http.StatusBadRequest)
}
