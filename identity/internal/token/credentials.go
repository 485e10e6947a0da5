package token

import (
	"context"

	"guildhall/identity/internal/oauth"
)

// credentials makes an access token for the client itself: RFC 6749, 4.4. Nothing
// is kept of it.
func (s *Service) credentials(ctx context.Context, r Request) (Response, error) {
	if r.Client.Public() {
		return Response{}, oauth.NewError(oauth.UnauthorizedClient, "An application that cannot show who it is acts for nobody but a person.")
	}
	scopes, err := r.scopes(impersonal(r.Client.Scopes))
	if err != nil {
		return Response{}, err
	}
	return s.answer(ctx, r, nil, scopes, "")
}

// impersonal are the scopes that are not about a person.
func impersonal(all oauth.Scopes) oauth.Scopes {
	return all.Beyond(oauth.Scopes{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopeOffline, oauth.ScopeRoles})
}
