package identity

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/identitytest"
)

// Every way in which sessions end tells the applications that were used in them,
// and no other.
func TestEveryEndOfASessionIsTold(t *testing.T) {
	t.Parallel()
	const fresh = "lantern under water"
	for name, end := range map[string]struct {
		// by ends the session of here; also says that it ends the one of there.
		by   func(t *testing.T, h *house, here, there *browser, hint string)
		also bool
	}{
		"signed out": {by: func(t *testing.T, _ *house, here, _ *browser, _ string) {
			here.send(t, "/sign-out").leadsTo(t, "/sign-in")
		}},
		"one ended": {by: func(t *testing.T, h *house, here, there *browser, _ string) {
			there.send(t, "/sessions/"+h.session(t, here).ID+"/end").leadsTo(t, "/sessions")
		}},
		"others ended": {by: func(t *testing.T, _ *house, _, there *browser, _ string) {
			there.send(t, "/sessions/end-others").leadsTo(t, "/sessions")
		}},
		"password changed": {by: func(t *testing.T, _ *house, _, there *browser, _ string) {
			there.send(t, "/security/password", "old", identitytest.Password, "new", fresh).leadsTo(t, "/security")
		}},
		"password reset": {also: true, by: func(t *testing.T, h *house, _, _ *browser, _ string) {
			stranger := h.browser()
			stranger.send(t, "/reset", "email", "anna@example.com").leadsTo(t, "/reset/code")
			stranger.send(t, "/reset/code", "code", h.code(t), "password", fresh).leadsTo(t, "/sign-in")
		}},
		"account deleted": {also: true, by: func(t *testing.T, _ *house, _, there *browser, _ string) {
			there.send(t, "/delete", "sure", "on", "password", identitytest.Password).leadsTo(t, "/sign-in")
		}},
		"account disabled": {also: true, by: func(t *testing.T, h *house, here, _ *browser, _ string) {
			ok(t, h.accounts.Disable(t.Context(), h.session(t, here).Account, "left", identitytest.By))
		}},
		"somebody else signs in": {by: func(t *testing.T, _ *house, here, _ *browser, _ string) {
			here.send(t, "/sign-in", "email", "ben@example.com", "password", identitytest.Password).leadsTo(t, "/")
		}},
		"an application asks": {by: func(t *testing.T, _ *house, here, _ *browser, hint string) {
			here.get(t, "/oauth2/logout?id_token_hint="+hint).wants(t, http.StatusOK, "You are signed out")
		}},
		"the person is asked": {by: func(t *testing.T, h *house, here, _ *browser, _ string) {
			here.send(t, "/oauth2/logout/confirm", "account", h.session(t, here).Account).leadsTo(t, "/oauth2/logout?request=")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t)
			anna, ben := h.person(t, "anna@example.com"), h.person(t, "ben@example.com")
			here, there, bens := h.signedIn(t, anna), h.signedIn(t, anna), h.signedIn(t, ben)
			shop, news, mute := h.application(t, "/shop", true), h.application(t, "/news", false), h.application(t, "", false)
			bank, bens2 := h.application(t, "/bank", true), h.application(t, "/ben", true)
			hint := h.uses(t, here, shop)
			h.uses(t, here, news)
			h.uses(t, here, mute)
			h.uses(t, there, bank)
			h.uses(t, bens, bens2)
			h.uses(t, bens, shop)
			first, second := h.session(t, here), h.session(t, there)

			end.by(t, h, here, there, hint)

			want := []told{{"/news", anna.ID, ""}, {"/shop", anna.ID, first.ID}}
			if end.also {
				want = append([]told{{"/bank", anna.ID, second.ID}}, want...)
			}
			if diff := cmp.Diff(want, h.learned(t)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if left, err := h.grants.OfSession(t.Context(), first.ID); err != nil || len(left) != 0 {
				t.Errorf("%d grants live on: %v", len(left), err)
			}
			if left, err := h.grants.OfAccount(t.Context(), ben.ID); err != nil || len(left) != 2 {
				t.Errorf("%d grants of somebody else live: %v", len(left), err)
			}
		})
	}
}

// signedInStill says whether the browser's cookie opens the start page.
func (b *browser) signedInStill(t *testing.T) bool {
	t.Helper()
	return b.get(t, "/").StatusCode == http.StatusOK
}

func logoutURL(pairs ...string) string { return "/oauth2/logout?" + values(pairs...).Encode() }

const bye = "https://shop.example/bye"

func TestApplicationSignsOut(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	anna := h.person(t, "anna@example.com")
	shop := h.application(t, "", false)
	t.Run("believed", func(t *testing.T) {
		b := h.signedIn(t, anna)
		hint := h.uses(t, b, shop)
		h.Clock.Advance(2 * time.Hour) // the ID token is over
		got := b.get(t, logoutURL("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "a b"))
		got.leadsTo(t, bye+"?state=a+b")
		if _, kept := b.cookies[sessionCookie]; kept || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("kept %v, headers %v", kept, got.Header)
		}
		b.get(t, logoutURL("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "a b")).leadsTo(t, bye+"?state=a+b") // once more
	})
	t.Run("by a form of another site", func(t *testing.T) {
		b := h.signedIn(t, anna)
		hint := h.uses(t, b, shop)
		// Browsers leave the cookies out of it.
		cookies := b.cookies
		b.cookies, b.comes = map[string]*http.Cookie{}, "cross-site"
		got := b.send(t, "/oauth2/logout", "id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "s", "client_id", shop.ID)
		next := got.Header.Get("Location")
		if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(next, "/oauth2/logout?request=") || strings.Contains(next, hint) {
			t.Fatalf("status %d, leads to %q", got.StatusCode, next)
		}
		b.cookies = cookies
		if !b.signedInStill(t) {
			t.Fatal("the form alone has signed out")
		}
		b.get(t, next).leadsTo(t, bye+"?state=s")
		if b.signedInStill(t) {
			t.Error("still signed in")
		}
	})
	t.Run("nobody is signed in", func(t *testing.T) {
		b := h.browser()
		b.get(t, logoutURL("client_id", shop.ID, "post_logout_redirect_uri", bye)).leadsTo(t, bye)
		b.get(t, "/oauth2/logout").wants(t, http.StatusOK, "You are signed out", `href="/sign-in"`)
	})
}

func TestThePersonIsAskedToSignOut(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	anna, ben := h.person(t, "anna@example.com"), h.person(t, "ben@example.com")
	shop, other := h.application(t, "", false), h.application(t, "", false)
	bens, before := h.signedIn(t, ben), h.signedIn(t, anna)
	foreign, old := h.uses(t, bens, shop), h.uses(t, before, shop)
	b := h.signedIn(t, anna)
	own := h.uses(t, b, shop)
	for name, pairs := range map[string][]string{
		"nothing shown":       nil,
		"the client alone":    {"client_id", shop.ID, "post_logout_redirect_uri", bye},
		"somebody else's":     {"id_token_hint", foreign, "post_logout_redirect_uri", bye},
		"of another session":  {"id_token_hint", old, "post_logout_redirect_uri", bye},
		"in another language": {"client_id", shop.ID, "post_logout_redirect_uri", bye, "ui_locales", "de"},
	} {
		got := b.get(t, logoutURL(pairs...))
		got.wants(t, http.StatusOK, "Do you want to sign out?", "anna@example.com")
		if strings.Contains(got.main(), "alert") || pairs != nil != strings.Contains(got.main(), "shop.example") || got.Header.Get("Refresh") != "" {
			t.Errorf("%s:\n%s", name, got.main())
		}
	}
	for name, x := range map[string]struct {
		pairs []string
		says  string
	}{
		"a forged hint":             {[]string{"id_token_hint", own[:len(own)-4] + "AAAA", "post_logout_redirect_uri", bye}, "id_token_hint"},
		"another application's":     {[]string{"id_token_hint", own, "client_id", other.ID}, "id_token_hint"},
		"an unregistered address":   {[]string{"id_token_hint", own, "post_logout_redirect_uri", "https://evil.test/"}, "post_logout_redirect_uri"},
		"an address that is longer": {[]string{"client_id", shop.ID, "post_logout_redirect_uri", bye + "/x"}, "post_logout_redirect_uri"},
		"an unknown application":    {[]string{"client_id", "app_x"}, "client_id"},
		"a parameter twice":         {[]string{"id_token_hint", own, "state", "a", "state", "b"}, "something twice"},
		"an old request":            {[]string{"request", "x"}, "ten minutes"},
	} {
		got := b.get(t, logoutURL(x.pairs...))
		got.wants(t, http.StatusBadRequest, "Do you want to sign out?", x.says)
		if strings.Contains(got.main(), "evil.test") || strings.Contains(got.main(), "shop.example") {
			t.Errorf("%s: the page tells of\n%s", name, got.main())
		}
		h.browser().get(t, logoutURL(x.pairs...)).wants(t, http.StatusBadRequest, "You are signed out", x.says)
	}
	if !b.signedInStill(t) {
		t.Fatal("signed out without an answer")
	}
	if got := h.browser().get(t, logoutURL("client_id", shop.ID, "ui_locales", "pl")); !strings.Contains(got.Text, "Wylogowano Cię") {
		t.Errorf("not in Polish:\n%s", got.main())
	}
}

func TestThePersonAnswersToSignOut(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	anna, ben := h.person(t, "anna@example.com"), h.person(t, "ben@example.com")
	shop := h.application(t, "", false)
	b := h.signedIn(t, anna)
	request := func(pairs ...string) string {
		return b.get(t, logoutURL(pairs...)).find(t, `name="request" value="([^"]+)"`)
	}
	asked := request("client_id", shop.ID, "post_logout_redirect_uri", bye, "state", "s")

	b.comes = "cross-site"
	if got := b.send(t, "/oauth2/logout/confirm", "account", anna.ID, "request", asked); got.StatusCode != http.StatusForbidden || !b.signedInStill(t) {
		t.Fatalf("another site signed her out: status %d", got.StatusCode)
	}
	b.send(t, "/oauth2/logout", "account", anna.ID, "request", asked)
	if !b.signedInStill(t) {
		t.Fatal("another site signed her out by the endpoint")
	}
	b.comes = "same-origin"
	// She was asked as somebody else, who signed in meanwhile.
	next := "/oauth2/logout?request=" + url.QueryEscape(asked)
	b.send(t, "/oauth2/logout/confirm", "account", ben.ID, "request", asked).leadsTo(t, next)
	if !b.signedInStill(t) {
		t.Fatal("signed out as somebody else")
	}
	b.send(t, "/oauth2/logout/confirm", "account", anna.ID, "request", asked).leadsTo(t, next)
	if b.signedInStill(t) {
		t.Fatal("still signed in")
	}
	// Forms lead to this host alone, so a page leads out.
	got := b.get(t, next)
	got.wants(t, http.StatusOK, `href="https://shop.example/bye?state=s"`)
	if refresh := got.Header.Get("Refresh"); refresh != "0;url=https://shop.example/bye?state=s" {
		t.Errorf("the page refreshes to %q", refresh)
	}

	b = h.signedIn(t, anna)
	asked = request("client_id", shop.ID, "post_logout_redirect_uri", "https://evil.test")
	b.send(t, "/oauth2/logout/confirm", "account", anna.ID, "request", asked)
	b.get(t, "/oauth2/logout?request="+url.QueryEscape(asked)).wants(t, http.StatusBadRequest, "You are signed out", "post_logout_redirect_uri")
}

func TestLogoutTokensArePosted(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	answer := make(chan struct{})
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Method + " " + r.URL.Path + " " + r.PostFormValue("logout_token") + " " + r.Header.Get("Content-Type")
		switch r.URL.Path {
		case "/ok":
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/elsewhere":
			http.Redirect(w, r, "/ok", http.StatusTemporaryRedirect)
		case "/slow":
			<-answer
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer site.Close()
	defer close(answer)
	post := postLogout(roots(site), time.Minute)
	for path, good := range map[string]bool{"/ok": true, "/empty": true, "/elsewhere": false, "/wrong": false} {
		err := post(t.Context(), site.URL+path, "t.o.k")
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "t.o.k") {
			t.Errorf("%s: %v", path, err)
		}
		if got, want := <-seen, "POST "+path+" t.o.k application/x-www-form-urlencoded"; got != want {
			t.Errorf("%s: it saw %q", path, got)
		}
	}
	if err := postLogout(roots(site), 50*time.Millisecond)(t.Context(), site.URL+"/slow", "t.o.k"); err == nil || strings.Contains(err.Error(), "t.o.k") {
		t.Errorf("an application that never answers: %v", err)
	}
	<-seen
	if err := postLogout(x509.NewCertPool, time.Minute)(t.Context(), site.URL+"/ok", "t.o.k"); err == nil || len(seen) != 0 {
		t.Errorf("nobody stands for its certificate: %v", err)
	}
	if err := post(t.Context(), "https://127.0.0.1:1/", "t.o.k"); err == nil {
		t.Error("nobody there is no error")
	}
}
