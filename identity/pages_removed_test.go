package identity

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/session"
	"guildhall/platform/guildtest"
)

// slowly sends a form from a browser whose body comes only after meanwhile, which runs
// when the server begins to read it.
func (b *browser) slowly(t *testing.T, path string, form url.Values, meanwhile func() error) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.site.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(b.cookies[sessionCookie])
	return guildtest.Slowly(t, &http.Transport{}, r, form.Encode(), meanwhile)
}

// Somebody who has stolen a session sends a form of it piece by piece. An
// administrator ends all sessions after the first piece: the rest adds nothing.
func TestNoFactorOutlivesItsSession(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	thief := h.signedIn(t, anna)
	made, err := h.pages.Factors.BeginTOTP(t.Context(), ownerIn(t, h.pages.Sessions, anna))
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(made.Secret, " ", ""), h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	got := thief.slowly(t, "/security/authenticator", url.Values{"code": {code}}, func() error {
		_, err := h.pages.Sessions.EndOthers(t.Context(), anna.ID, "", identitytest.By)
		return err
	})
	if to := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || to != "/sign-in" {
		t.Errorf("the answer has status %d and leads to %q", got.StatusCode, to)
	}
	if has, err := h.pages.Factors.Has(t.Context(), anna.ID); err != nil || has.Any() {
		t.Errorf("the account has %+v, %v", has, err)
	}
}

// An administrator who is about to lose the role has a form under way that would give
// it to somebody else.
func TestNoFormOutlivesTheRoleOfItsSender(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	_, other := h.holder(t, "other@example.com", role.Admin)
	b, leaves := h.holder(t, "leaves@example.com", role.Admin)
	friend := h.Account(t, "friend@example.com")
	got := b.slowly(t, "/admin/users/"+friend.ID+"/roles", url.Values{"role": {role.Admin}}, func() error {
		return h.pages.Roles.Take(t.Context(), role.Admin, role.Holder{Account: leaves.ID}, identitytest.By.As(other.ID))
	})
	if got.StatusCode != http.StatusForbidden {
		t.Errorf("the answer has status %d", got.StatusCode)
	}
	if roles, err := h.pages.Roles.Of(t.Context(), friend.ID); err != nil || len(roles) > 0 {
		t.Errorf("the friend has %q, %v", roles, err)
	}
}

// So it is for the API.
func TestNoCallOutlivesTheRoleOfItsSender(t *testing.T) {
	t.Parallel()
	c := openCounter(t, guildtest.SQLite(t), nil)
	ctx := t.Context()
	other := c.Account(t, "other@example.com")
	for _, holder := range []string{c.anna.ID, other.ID} {
		ok(t, c.roles.Give(ctx, role.Admin, role.Holder{Account: holder}, identitytest.By))
	}
	token, _, err := c.sessions.Start(ctx, session.Start{Account: c.anna.ID, Level: session.Password, Methods: []string{session.MethodPassword}})
	ok(t, err)
	call := func(body string, meanwhile func() error) int {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/api/v1/groups", nil)
		ok(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: token})
		return guildtest.Slowly(t, c.web.Transport.(*http.Transport), r, body, meanwhile).StatusCode
	}
	if got := call(`{"name":"Before"}`, func() error { return nil }); got != http.StatusCreated {
		t.Errorf("an administrator's call has status %d", got)
	}
	got := call(`{"name":"After"}`, func() error {
		return c.roles.Take(ctx, role.Admin, role.Holder{Account: c.anna.ID}, identitytest.By.As(other.ID))
	})
	if got != http.StatusForbidden {
		t.Errorf("the call of who was one has status %d", got)
	}
}
