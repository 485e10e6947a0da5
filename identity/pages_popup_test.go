package identity

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"guildhall/identity/internal/identitytest"
)

// Every answer between an application and its code keeps a pop-up in touch with it;
// those of all other pages do not.
func TestPopUpsStayInTouchWithTheirApplication(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	c := h.app(t, nil)
	b := h.browser()
	policy := func(want string, a answer) answer {
		t.Helper()
		if got := a.Header.Values("Cross-Origin-Opener-Policy"); len(got) != 1 || got[0] != want {
			t.Errorf("%s %s, status %d: %q, want %q", a.Request.Method, a.Request.URL, a.StatusCode, got, want)
		}
		return a
	}
	passes := func(a answer) answer { t.Helper(); return policy("unsafe-none", a) }

	request := passes(b.get(t, asking(c))).Header.Get("Location")
	signIn := passes(b.get(t, request)).Header.Get("Location")
	passes(b.get(t, signIn)).wants(t, http.StatusOK, "Sign in to go on to Shop")
	passes(b.send(t, "/sign-in", "email", anna.Email, "password", "wrong")).wants(t, http.StatusUnprocessableEntity)
	passes(b.send(t, "/sign-in", "email", anna.Email, "password", identitytest.Password, "return_to", request)).leadsTo(t, request)
	page := passes(b.get(t, request))
	passes(b.send(t, request, "account", page.find(t, `name="account" value="([^"]+)"`), "decision", "allow")).carries(t, "code")
	byForm := b.waits(t, c, "response_mode", "form_post")
	passes(b.get(t, byForm)).wants(t, http.StatusOK, "<form", back)
	h.Clock.Advance(time.Second)
	passes(b.get(t, b.waits(t, c, "prompt", "select_account"))).wants(t, http.StatusOK, "which account?")
	for _, path := range []string{"/sign-in/second-factor", "/register", "/register/code", "/confirm", passwordPage,
		"/oauth2/logout", authorizePath + "?client_id=unknown", authorizePath + "/unknown"} {
		passes(b.get(t, path+"?return_to="+url.QueryEscape(request)))
	}
	for _, path := range []string{"/", "/email", "/security", "/security/passkeys/new", "/sessions", "/applications", "/device", "/delete", "/reset", "/unknown"} {
		policy("same-origin", b.get(t, path))
	}
	passes(b.send(t, "/oauth2/logout/confirm", "account", anna.ID))
}
