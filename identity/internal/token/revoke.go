package token

import (
	"context"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/audit"
)

// Revoke takes a token of the client back: RFC 7009. With a refresh token goes the
// whole grant, an access token goes alone. A token that is worth nothing is no
// error; another client's access token is UnauthorizedClient.
func (s *Service) Revoke(ctx context.Context, token string, c client.Client, by audit.Caller) error {
	claims, err := s.access(ctx, token)
	if err != nil {
		return err
	}
	if claims == nil {
		_, err := s.o.Grants.RevokeRefresh(ctx, token, c.ID, by)
		return err
	}
	if claims.ClientID != c.ID {
		return oauth.NewError(oauth.UnauthorizedClient, "The token was issued to another application.")
	}
	return s.o.Grants.RevokeAccess(ctx, claims.ID, time.Unix(claims.Expires, 0), by)
}
