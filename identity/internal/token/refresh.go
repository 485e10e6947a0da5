package token

import (
	"context"

	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
)

// refresh replaces a refresh token: RFC 6749, 6.
func (s *Service) refresh(ctx context.Context, r Request) (Response, error) {
	token := r.Values.Get("refresh_token")
	if token == "" {
		return Response{}, oauth.NewError(oauth.InvalidRequest, "The parameter refresh_token is missing.")
	}
	var scopes oauth.Scopes
	check := func(g grant.Grant) (err error) {
		if g.Client != r.Client.ID {
			return grant.ErrRefresh
		}
		if err := r.holds(&g); err != nil {
			return err
		}
		if _, err := s.target(r, g.Audiences); err != nil {
			return err
		}
		scopes, err = r.scopes(g.Scopes)
		return err
	}
	g, next, err := s.o.Grants.Refresh(ctx, token, check, life(&r.Client), r.By)
	if err != nil {
		return Response{}, err
	}
	g.Nonce = "" // it was for the first ID token: OpenID Connect Core, 12.2
	return s.answer(ctx, r, &g, scopes, next)
}
