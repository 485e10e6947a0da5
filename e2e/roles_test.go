package e2e

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const vera = "vera@example.com"

var (
	handedOver = regexp.MustCompile(`<code>([^<@]{10,})</code>`)
	ofUser     = regexp.MustCompile(`/admin/users/usr_[a-z0-9]+`)
)

// TestAViewerLooksAndAnOperatorWorks follows one account from the moment at which an
// administrator makes it: with one role, then with the next.
func TestAViewerLooksAndAnOperatorWorks(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.changed(t)
	identity, ca := s.service("identity"), s.service("ca")
	admin := s.anew(t)
	admin.enters(firstOne)
	status, page := admin.send(http.MethodPost, identity+"/admin/users/new", "application/x-www-form-urlencoded",
		url.Values{"name": {"Vera"}, "email": {vera}, "language": {"en"}, "how": {"password"}}.Encode())
	password, user := handedOver.FindStringSubmatch(page), ofUser.FindString(page)
	if status != http.StatusOK || password == nil || user == "" {
		t.Fatalf("the account: status %d\n%s", status, page)
	}
	gives := func(role string) {
		t.Helper()
		if status, _ := admin.post(identity+user+"/roles", url.Values{"role": {role}}); status != http.StatusSeeOther {
			t.Fatalf("the role %s was not given: %d", role, status)
		}
	}
	gives("ca.viewer")
	viewer := s.anew(t)
	viewer.entersAs(vera, password[1])
	if status, _ := viewer.post(identity+"/security/password", url.Values{"old": {password[1]}, "new": {nextOne}}); status != http.StatusSeeOther {
		t.Fatalf("the password was not changed: %d", status)
	}
	const (
		issueButton = `href="/certificates/new"`
		oneName     = `{"common_name":"vera.example.com"}`
		json        = "application/json"
	)
	at, status, page := viewer.get(ca+"/certificates", "")
	if at != ca+"/certificates" || status != http.StatusOK || strings.Contains(page, issueButton) || !strings.Contains(page, "Vera") {
		t.Fatalf("what a viewer sees at %s: status %d\n%s", at, status, page)
	}
	viewer.answers(http.StatusOK, http.MethodGet, ca+"/api/v1/certificates", "", "")
	viewer.answers(http.StatusForbidden, http.MethodPost, ca+"/api/v1/certificates", json, oneName)
	viewer.answers(http.StatusForbidden, http.MethodGet, ca+"/api/v1/join-tokens", "", "")
	viewer.answers(http.StatusForbidden, http.MethodGet, ca+"/certificates/new", "", "")
	viewer.answers(http.StatusForbidden, http.MethodPost, ca+"/certificates/new", "application/x-www-form-urlencoded", "common_name=vera.example.com")
	viewer.answers(http.StatusForbidden, http.MethodGet, ca+"/tokens", "", "")

	gives("ca.operator")
	operator := s.anew(t) // who signs in anew has the new role at once
	operator.entersAs(vera, nextOne)
	if at, status, page := operator.get(ca+"/certificates", ""); at != ca+"/certificates" || status != http.StatusOK || !strings.Contains(page, issueButton) {
		t.Fatalf("what an operator sees at %s: status %d\n%s", at, status, page)
	}
	operator.answers(http.StatusCreated, http.MethodPost, ca+"/api/v1/certificates", json, oneName)
	operator.answers(http.StatusForbidden, http.MethodPost, ca+"/api/v1/join-tokens", json, `{"service":"shop"}`)
	operator.answers(http.StatusForbidden, http.MethodGet, ca+"/audit", "", "")
}

// send sends a body, and returns the answer without following it.
func (c client) send(method, address, kind, body string) (status int, text string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := c.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// answers fails the test unless a request is answered with the status.
func (c client) answers(want int, method, address, kind, body string) {
	c.t.Helper()
	if status, text := c.send(method, address, kind, body); status != want {
		c.t.Errorf("%s %s: status %d, want %d: %s", method, address, status, want, text)
	}
}

// entersAs signs in at identity with an account.
func (c client) entersAs(email, password string) {
	c.t.Helper()
	if status, to := c.post(c.s.service("identity")+"/sign-in", url.Values{"email": {email}, "password": {password}}); status != http.StatusSeeOther || to != "/" {
		c.t.Fatalf("the sign-in of %s answered %d %s", email, status, to)
	}
}
