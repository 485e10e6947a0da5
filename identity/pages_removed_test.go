package identity

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
)

// slowly sends a form from a browser whose body comes only after meanwhile, which runs
// when the page reads it.
func (b *browser) slowly(t *testing.T, path string, form url.Values, meanwhile func() error) *http.Response {
	t.Helper()
	rest, body := io.Pipe()
	trace := &httptrace.ClientTrace{Got100Continue: func() {
		go func() {
			if err := meanwhile(); err != nil {
				t.Error(err)
			}
			_, err := io.WriteString(body, form.Encode())
			_ = body.CloseWithError(err)
		}()
	}}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, b.site.URL+path, rest)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Expect", "100-continue")
	r.AddCookie(b.cookies[sessionCookie])
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	out, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	return out
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
