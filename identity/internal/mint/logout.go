package mint

import (
	"context"
	"crypto/rand"
	"time"

	"guildhall/identity/internal/client"
)

const (
	// TypeLogout is the header "typ" of logout tokens.
	TypeLogout = "logout+jwt"
	// LogoutLife is how long a logout token lives.
	LogoutLife = 2 * time.Minute
	// logoutEvent is what has happened: OpenID Connect Back-Channel Logout, 2.4.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// LogoutToken makes a token that tells the client that the account's session has
// ended. With an empty session it tells that all have.
func (m *Minter) LogoutToken(ctx context.Context, c client.Client, account, session string) (string, error) {
	now := m.Now()
	said := map[string]any{"iss": m.Issuer, "sub": account, "aud": c.ID, "iat": now.Unix(), "exp": now.Add(LogoutLife).Unix(),
		"jti": rand.Text(), "events": map[string]any{logoutEvent: struct{}{}}}
	if session != "" {
		said["sid"] = session
	}
	return m.Signing.Sign(ctx, c.IDAlgorithm(), TypeLogout, said)
}
