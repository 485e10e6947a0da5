package identity

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/identitytest"
)

// Somebody who has stolen a session sends a form of it piece by piece. An
// administrator ends all sessions after the first piece: the rest adds nothing.
func TestNoFactorOutlivesItsSession(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	thief := h.signedIn(t, anna)
	owner := ownerIn(t, h.pages.Sessions, anna)
	made, err := h.pages.Factors.BeginTOTP(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(made.Secret, " ", ""), h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}

	rest, body := io.Pipe()
	asked := make(chan struct{}) // closed when the handler, which knows the session, reads the body
	trace := &httptrace.ClientTrace{Got100Continue: func() { close(asked) }}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, h.site.URL+"/security/authenticator", rest)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Expect", "100-continue")
	r.AddCookie(thief.cookies[sessionCookie])
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	status := make(chan int, 1)
	go func() {
		defer close(status)
		out, err := transport.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		_ = out.Body.Close()
		status <- out.StatusCode
	}()
	<-asked
	_, err = h.pages.Sessions.EndOthers(t.Context(), anna.ID, "", identitytest.By)
	_, sent := io.WriteString(body, url.Values{"code": {code}}.Encode())
	if err := errors.Join(err, sent, body.Close()); err != nil {
		t.Fatal(err)
	}
	if got := <-status; got != http.StatusUnauthorized {
		t.Errorf("the answer has status %d", got)
	}
	if has, err := h.pages.Factors.Has(t.Context(), anna.ID); err != nil || has.Any() {
		t.Errorf("the account has %+v, %v", has, err)
	}
}
