package ca

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/journal"
	"guildhall/platform/audit"
	wire "guildhall/sdk/go/ca"
)

// stale is a time since a sign-in after which one is asked again.
const stale = 10*time.Minute + time.Second

// asks fails the test unless the answer leads to identity, for a new sign-in, and back.
func (a answer) asks(t *testing.T, back string) {
	t.Helper()
	to, err := a.Location()
	if a.StatusCode != http.StatusSeeOther || err != nil || to.Path != "/session/start" || to.Query().Get("max_age") != "600" ||
		to.Query().Get("acr_values") != "aal1" || to.Query().Get("return_to") != back {
		t.Errorf("%s: status %d, to %v, %v; not back to %s", a.Request.URL.Path, a.StatusCode, to, err, back)
	}
}

// Whoever makes a join token in a browser showed a moment ago who he is.
func TestJoinTokensWantARecentSignIn(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.Role, v.Shown = adminRole, stale
	page := v.get(t, "/tokens")
	page.wants(t, http.StatusOK, "Confirm that it is you", "/session/start?acr_values=aal1&amp;max_age=600&amp;return_to=%2Ftokens")
	if strings.Contains(page.Text, `name="service"`) {
		t.Error("the form is there")
	}
	refused := v.submit(t, "/tokens", "service", "shop", "lifetime", "1h0m0s")
	refused.asks(t, "/tokens")
	v.Shown = time.Minute
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.site.URL+"/tokens", nil)
	ok(t, err)
	for _, c := range refused.Cookies() {
		r.AddCookie(c)
	}
	v.do(t, r).wants(t, http.StatusOK, "Nothing was done", `name="service"`)
	if all, err := v.tokens.List(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("a token was made: %v, %v", all, err)
	}
	v.submit(t, "/tokens", "service", "shop", "lifetime", "1h0m0s").wants(t, http.StatusOK, "guildhall serve shop")
}

// Keys that the authority keeps leave it for who showed a moment ago who he is; one
// that somebody brings himself is none of them.
func TestKeptKeysWantARecentSignIn(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.certificates.KeepKeys = true
	issued, err := v.certificates.Issue(t.Context(), certificate.IssueRequest{CommonName: "shop.example.com", KeepKey: true})
	ok(t, err)
	path := "/certificates/" + issued.Record.ID + "/pkcs12"
	v.Role, v.Shown = operatorRole, stale
	v.get(t, path).wants(t, http.StatusForbidden) // where there is identity, the way there: see session.StepUp
	v.submit(t, path, "password", "long enough").asks(t, path)
	v.submit(t, path, "password", "long enough", "handover", "yes").asks(t, path)
	left := func(want int) {
		t.Helper()
		if log, err := v.audit.List(t.Context(), audit.Filter{Action: journal.KeyExported}); err != nil || len(log.Records) != want {
			t.Errorf("a key left %d times, not %d: %v", len(log.Records), want, err)
		}
	}
	left(0)
	v.submit(t, path, "password", "long enough", "private_key", issued.KeyPEM).wants(t, http.StatusOK)
	left(0)
	v.Shown = 0
	v.get(t, path).wants(t, http.StatusOK, "This authority keeps")
	v.submit(t, path, "password", "long enough").wants(t, http.StatusOK)
	left(1)
}

// The API asks the same of a browser, and nothing of a token made on the server.
func TestTheAPIWantsARecentSignIn(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	for ago, want := range map[string]int{"10m1s": http.StatusForbidden, "9m": http.StatusCreated} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.server.URL+"/api/v1/join-tokens", strings.NewReader(`{"service":"shop"}`))
		ok(t, err)
		for name, value := range map[string]string{"Content-Type": "application/json", roleHeader: adminRole, shownHeader: ago} {
			r.Header.Set(name, value)
		}
		res, err := a.server.Client().Do(r)
		ok(t, err)
		ok(t, res.Body.Close())
		if res.StatusCode != want {
			t.Errorf("after %s: status %d, want %d", ago, res.StatusCode, want)
		}
	}
	if _, err := a.client.CreateToken(t.Context(), wire.TokenRequest{Service: "shop"}); err != nil {
		t.Errorf("a program: %v", err)
	}
}
