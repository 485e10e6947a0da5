package identity

import (
	"errors"
	"testing"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/identitytest"
	sdk "guildhall/sdk/go/identity"
)

// TestCredentialsOfTheGoClient gets tokens as programs do that use sdk/go/identity, and
// verifies them by its verifier.
func TestCredentialsOfTheGoClient(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	robot := i.application(t, client.Service, func(m *client.Metadata) {
		m.Scopes, m.Audiences = []string{"stock.read"}, []string{"https://stock.example.test"}
	})
	c := sdk.NewCredentials(sdk.CredentialsOptions{Issuer: issuer, ClientID: robot.ID, Secret: robot.secret, Scopes: []string{"stock.read"},
		Resource: "https://stock.example.test", HTTP: i.web, Now: i.Clock.Now})
	token, err := c.Token(t.Context())
	ok(t, err)
	v := sdk.NewVerifier(sdk.VerifierOptions{Issuer: issuer, Audience: "https://stock.example.test", HTTP: i.web, Now: i.Clock.Now})
	claims, err := v.Verify(t.Context(), token)
	if err != nil || claims.Client != robot.ID {
		t.Errorf("%+v, %v", claims, err)
	}
	if again, err := c.Token(t.Context()); err != nil || again != token {
		t.Errorf("the second time: another token, %v", err)
	}
	ok(t, i.clients.Disable(t.Context(), robot.ID, identitytest.By))
	c.Forget(token)
	refused := (*sdk.TokenError)(nil)
	if _, err := c.Token(t.Context()); !errors.As(err, &refused) || refused.Code != "invalid_client" {
		t.Errorf("a disabled application: %v", err)
	}
}
