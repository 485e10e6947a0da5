package identity

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/oauth"
	sdk "guildhall/sdk/go/identity"
	"guildhall/sdk/go/identity/revocation"
)

const stock = "https://stock.example.test"

// lively moves the clock at each question, as time does: identity signs a line each second.
type lively struct {
	*issuance
	next http.RoundTripper
}

func (l lively) RoundTrip(r *http.Request) (*http.Response, error) {
	l.Clock.Advance(time.Second)
	return l.next.RoundTrip(r)
}

// tells runs the feed until the test ends.
func (i *issuance) tells(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = i.feed.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

// TestResourceServersFollowRevocations is a program elsewhere that verifies tokens by
// the Go client, and hears what was revoked.
func TestResourceServersFollowRevocations(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	i.tells(t)
	robot := i.application(t, client.Service, func(m *client.Metadata) { m.Audiences = []string{stock} })
	server := i.application(t, client.Service, func(m *client.Metadata) { m.Resources = []string{stock} })
	credentials := sdk.NewCredentials(sdk.CredentialsOptions{Issuer: issuer, ClientID: robot.ID, Secret: robot.secret, Resource: stock, HTTP: i.web, Now: i.Clock.Now})
	token := func() string {
		text, err := credentials.Token(t.Context())
		ok(t, err)
		return text
	}

	web := *i.web
	web.Transport = lively{i, i.web.Transport}
	v := revocation.NewVerifier(revocation.Options{Issuer: issuer, Audience: stock, ClientID: server.ID, Secret: server.secret, HTTP: &web, Now: i.Clock.Now,
		Trouble: func(err error) { t.Error(err) }})
	first := token()
	if _, err := v.Verify(first); !errors.Is(err, revocation.ErrStale) {
		t.Errorf("before anything was heard: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { v.Run(ctx) })
	defer func() { cancel(); running.Wait() }()
	until := func(what string, is func() bool) {
		t.Helper()
		for !is() {
			select {
			case <-t.Context().Done():
				t.Fatalf("never: %s", what)
			case <-time.After(time.Millisecond):
			}
		}
	}
	until("all is known", func() bool { return v.Fresh() == nil })
	claims, err := v.Verify(first)
	if err != nil || claims.Client != robot.ID {
		t.Fatalf("%+v, %v", claims, err)
	}
	credentials.Forget(first)
	second := token()
	robot.post(t, revokePath, "token", first).fine(t)
	until("the token is refused", func() bool { _, err := v.Verify(first); return errors.Is(err, revocation.ErrRevoked) })
	if _, err := v.Verify(second); err != nil {
		t.Errorf("another token: %v", err)
	}
	i.Clock.Advance(time.Second) // what was issued in the second of the revocation
	ok(t, i.clients.Disable(t.Context(), robot.ID, identitytest.By))
	until("the application's tokens are refused", func() bool { _, err := v.Verify(second); return errors.Is(err, revocation.ErrRevoked) })
}

func TestWhoMayFollowRevocations(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	i.tells(t)
	server := i.application(t, client.Service, func(m *client.Metadata) { m.Resources = []string{stock} })
	i.application(t, client.Service, nil).post(t, revocation.Path, "after", "0").refuses(t, "no resource server", oauth.UnauthorizedClient)
	i.application(t, client.SPA, func(m *client.Metadata) { m.Resources = nil }).post(t, revocation.Path, "after", "0").
		refuses(t, "who shows nothing", oauth.UnauthorizedClient)
	for _, after := range []string{"", "-1", "1.5", "x", "18446744073709551616"} {
		server.post(t, revocation.Path, "after", after).refuses(t, "after "+strconv.Quote(after), oauth.InvalidRequest)
	}
	server.post(t, revocation.Path, "after", "9").refuses(t, "who knows what is lost here", revocation.CodeWentBack)
	(&party{issuance: i, Client: server.Client, secret: "guessed"}).post(t, revocation.Path, "after", "0").refuses(t, "a wrong secret", oauth.InvalidClient)
	ok(t, i.clients.Disable(t.Context(), server.ID, identitytest.By))
	server.post(t, revocation.Path, "after", "0").refuses(t, "a disabled application", oauth.InvalidClient)
}
