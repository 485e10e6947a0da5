package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// first is the account that administers everything.
const (
	firstAt       = "admin@guildhall.localhost"
	sessionCookie = "__Host-guildhall-session"
)

var told = regexp.MustCompile(`(?m)^  password  (\S+)$`)

// oneTime is the first administrator's password, told at the first start.
func (s *server) oneTime(t *testing.T) string {
	t.Helper()
	found := told.FindStringSubmatch(s.output)
	if found == nil {
		t.Fatalf("no password was told:\n%s", s.output)
	}
	return found[1]
}

// TestOneSignInForEverything is the first administrator in a browser: signs in
// once, is at home in another service without doing it again, and is out of both
// after one sign-out.
func TestOneSignInForEverything(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	p := meet(t, s)
	wanted := s.service("ca") + "/certificates?state=valid"
	visit(t, p.ctx, wanted)
	p.reads("Sign in to go on to Certificate authority")
	p.types("email", firstAt)
	p.types("password", s.oneTime(t))
	p.sends()
	p.opens("/security/password")
	p.types("old", s.oneTime(t))
	p.types("new", firstOne)
	p.sends()
	p.sees(`location.href === ` + quote(wanted) + ` && document.querySelector('form[action="/session/end"]')`)
	p.tries("ca", "list-certificates", "certificates")
	p.tries("identity", "list-keys", "ES256")
	visit(t, p.ctx, wanted)
	do(t, p.ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector('form[action="/session/end"]').submit()`))
	p.reads("You are signed out")
	p.goes("/")
	p.sees(`location.pathname === "/sign-in"`)
	visit(t, p.ctx, wanted)
	p.reads("Sign in to go on to Certificate authority")
	p.types("email", firstAt)
	p.types("password", firstOne)
	p.sends()
	p.sees(`location.href === ` + quote(wanted))
	// And the other way round: out of identity, out of the authority.
	p.goes("/")
	p.leaves()
	await(t, "the authority to hear of it", func() bool {
		visit(t, p.ctx, wanted)
		return p.values(`[location.pathname]`)[0] == "/sign-in"
	})
}

// client is a program that behaves like a browser.
type client struct {
	t *testing.T
	s *server
	*http.Client
}

// anew is one without cookies.
func (s *server) anew(t *testing.T) client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := s.browser(t)
	c.Jar = jar
	return client{t, s, c}
}

// get follows redirects up to the first whose address stop matches, which it
// returns; or the last page.
func (c client) get(address, stop string) (at string, status int, page string) {
	c.t.Helper()
	for range 12 {
		req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		req.Header.Set("Accept", "text/html")
		res, err := c.Do(req)
		if err != nil {
			c.t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		to, err := res.Location()
		if err != nil {
			return address, res.StatusCode, string(text)
		}
		if address = to.String(); stop != "" && strings.Contains(address, stop) {
			return address, res.StatusCode, ""
		}
	}
	c.t.Fatalf("redirects without end, last to %s", address)
	return "", 0, ""
}

// post sends a form and returns where it leads.
func (c client) post(address string, form url.Values) (status int, to string) {
	c.t.Helper()
	res, err := c.PostForm(address, form)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode, res.Header.Get("Location")
}

// enters signs in at identity.
func (c client) enters(password string) {
	c.t.Helper()
	if status, to := c.post(c.s.service("identity")+"/sign-in", url.Values{"email": {firstAt}, "password": {password}}); status != http.StatusSeeOther || to != "/" {
		c.t.Fatalf("the sign-in answered %d %s", status, to)
	}
}

// cookie is the value of a cookie of the authority's host.
func (c client) cookie(name string) string {
	at, _ := url.Parse(c.s.service("ca"))
	for _, k := range c.Jar.Cookies(at) {
		if k.Name == name {
			return k.Value
		}
	}
	return ""
}

func (c client) setCookie(name, value string) {
	at, _ := url.Parse(c.s.service("ca"))
	c.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

// signedInAt says whether the authority shows its pages.
func (c client) signedInAt() bool {
	c.t.Helper()
	at, status, _ := c.get(c.s.service("ca")+"/certificates", "/session/start")
	return status == http.StatusOK && strings.HasSuffix(at, "/certificates")
}

// changed has the first administrator choose a password.
func (s *server) changed(t *testing.T) {
	t.Helper()
	c := s.anew(t)
	c.enters(s.oneTime(t))
	status, _ := c.post(s.service("identity")+"/security/password", url.Values{"old": {s.oneTime(t)}, "new": {firstOne}})
	if status != http.StatusSeeOther {
		t.Fatalf("the password was not changed: %d", status)
	}
}

// TestSigningInIsAttacked tries what is known against the way from a service to
// identity and back.
func TestSigningInIsAttacked(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.changed(t)
	page := s.service("ca") + "/certificates"
	// interrupted is a sign-in that has its answer and has not taken it back yet.
	interrupted := func(t *testing.T) (client, *url.URL) {
		t.Helper()
		c := s.anew(t)
		c.enters(firstOne)
		at, _, _ := c.get(page, "/session/callback")
		back, err := url.Parse(at)
		if err != nil || back.Query().Get("code") == "" {
			t.Fatalf("no code came: %s, %v", at, err)
		}
		return c, back
	}
	with := func(u *url.URL, name, value string) string {
		v := u.Query()
		v.Set(name, value)
		if value == "" {
			v.Del(name)
		}
		next := *u
		next.RawQuery = v.Encode()
		return next.String()
	}
	refused := func(t *testing.T, c client, address string) {
		t.Helper()
		_, status, _ := c.get(address, "")
		if status != http.StatusUnprocessableEntity && status != http.StatusBadRequest {
			t.Errorf("answered %d", status)
		}
		if c.cookie(sessionCookie) != "" {
			t.Error("somebody is signed in")
		}
	}
	t.Run("it works", func(t *testing.T) {
		c, back := interrupted(t)
		if at, status, _ := c.get(back.String(), ""); status != http.StatusOK || at != page {
			t.Fatalf("led to %s, %d", at, status)
		}
		t.Run("the code again", func(t *testing.T) {
			other := s.anew(t)
			other.setCookie("__Host-guildhall-sign-in", c.cookie("__Host-guildhall-sign-in"))
			refused(t, other, back.String())
		})
	})
	t.Run("sign-in CSRF: an answer that this browser did not ask for", func(t *testing.T) {
		_, back := interrupted(t)
		refused(t, s.anew(t), back.String())
	})
	t.Run("the answer to another browser that signs in too", func(t *testing.T) {
		_, back := interrupted(t)
		victim, _ := interrupted(t)
		refused(t, victim, back.String())
	})
	t.Run("code injection: the code of another browser", func(t *testing.T) {
		_, stolen := interrupted(t)
		attacker, own := interrupted(t)
		refused(t, attacker, with(own, "code", stolen.Query().Get("code")))
	})
	t.Run("mix-up: another issuer, or none", func(t *testing.T) {
		c, back := interrupted(t)
		refused(t, c, with(back, "iss", "https://identity.example.com"))
		refused(t, c, with(back, "iss", ""))
	})
	t.Run("the state, changed, twice or missing", func(t *testing.T) {
		c, back := interrupted(t)
		refused(t, c, with(back, "state", back.Query().Get("state")+"A"))
		refused(t, c, with(back, "state", "A"+back.Query().Get("state")))
		refused(t, c, with(back, "state", ""))
		refused(t, c, back.String()+"&state="+back.Query().Get("state"))
	})
	t.Run("session fixation", func(t *testing.T) {
		const planted = "PLANTEDPLANTEDPLANTEDPLANT"
		c, back := interrupted(t)
		c.setCookie(sessionCookie, planted)
		c.get(back.String(), page)
		first := c.cookie(sessionCookie)
		if first == planted || first == "" {
			t.Fatalf("the session's cookie is %q", first)
		}
		// Who signs in again gets another, and the old one is dead.
		at, _, _ := c.get(s.service("ca")+"/session/start?max_age=3600&return_to=/tokens", "/session/callback")
		c.get(at, "/tokens")
		if c.cookie(sessionCookie) == first {
			t.Error("the session kept its cookie")
		}
		c.setCookie(sessionCookie, first)
		if c.signedInAt() {
			t.Error("the old cookie works on")
		}
	})
	t.Run("open redirects", func(t *testing.T) {
		c := s.anew(t)
		c.enters(firstOne)
		if !c.followed(page) {
			t.Fatal("nobody is signed in")
		}
		for _, to := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, `\\evil.example`, "/%09/evil.example", "/\t/evil.example",
			"javascript:alert(1)", "evil.example", "@evil.example", "/session/end", "/session/start?return_to=/", "///evil.example", " //evil.example", "/\r\nSet-Cookie: a=b",
			"/" + strings.Repeat("a", 2000)} {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.service("ca")+"/session/start?"+url.Values{"return_to": {to}}.Encode(), nil)
			res, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			where, err := res.Location()
			if err != nil || where.Host != req.URL.Host || strings.HasPrefix(where.Path, "//") || strings.HasPrefix(where.Path, "/session/") || res.Header.Get("Set-Cookie") != "" {
				t.Errorf("%q leads to %v, %v", to, where, err)
			}
		}
	})
	t.Run("a form of another site signs nobody out", func(t *testing.T) {
		c := s.anew(t)
		c.enters(firstOne)
		c.followed(page)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.service("ca")+"/session/end", nil)
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusForbidden || !c.signedInAt() {
			t.Errorf("answered %d", res.StatusCode)
		}
	})
}

// followed opens a page through all redirects.
func (c client) followed(page string) bool {
	c.t.Helper()
	at, status, _ := c.get(page, "")
	return status == http.StatusOK && at == page
}

// TestSigningOutIsHeardEverywhere measures how soon a service refuses whom identity
// has signed out.
func TestSigningOutIsHeardEverywhere(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.changed(t)
	for _, end := range []struct {
		name string
		by   func(c client)
	}{
		{"signs out", func(c client) { c.post(s.service("identity")+"/sign-out", nil) }},
		{"changes the password elsewhere", func(c client) {
			other := s.anew(t)
			other.enters(firstOne)
			if status, _ := other.post(s.service("identity")+"/security/password", url.Values{"old": {firstOne}, "new": {nextOne}}); status != http.StatusSeeOther {
				t.Errorf("the password was not changed: %d", status)
			}
			// Who changed it goes on, at the services too.
			if !other.followed(s.service("ca") + "/certificates") {
				t.Error("the session in which the password was changed is out too")
			}
		}},
	} {
		t.Run(end.name, func(t *testing.T) {
			c := s.anew(t)
			c.enters(firstOne)
			if !c.followed(s.service("ca")+"/certificates") || !c.signedInAt() {
				t.Fatal("nobody is signed in")
			}
			end.by(c)
			began := time.Now()
			await(t, "the authority to refuse", func() bool { return !c.signedInAt() })
			t.Logf("the authority heard of it within %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

// tries calls an operation from the page of a service's API, with nothing but who is
// signed in.
func (p person) tries(service, operation, answer string) {
	p.t.Helper()
	visit(p.t, p.ctx, p.s.service(service)+"/api")
	one := `document.querySelector("#` + operation + `")`
	p.sees(one + ` && document.querySelector('form[action="/session/end"], form[action="/sign-out"]')`)
	do(p.t, p.ctx, chromedp.Evaluate[chromedp.Void](one+`.open = true; `+one+`.querySelector("form").requestSubmit()`))
	p.sees(one + `.querySelector("[data-status]").textContent.startsWith("200") && ` + one + `.querySelector("[data-text]").textContent.includes(` + quote(answer) + `)`)
}
