package token

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
)

// ErrToken says that an access token opens nothing here: RFC 6750, 3.1.
var ErrToken = oauth.NewError(oauth.InvalidToken, "The access token is unknown, over, revoked, or not for this endpoint.")

// Shown is an access token as it came.
type Shown struct {
	Token string
	// JKT is the thumbprint of the key of the DPoP proof that came with it; empty:
	// it came as a bearer token. X5T is that of the connection's certificate.
	JKT, X5T string
}

// UserInfo says who the person of an access token is: OpenID Connect Core, 5.3.
// The error is ErrToken or oauth.InsufficientScope.
func (s *Service) UserInfo(ctx context.Context, shown Shown) (map[string]any, error) {
	c, err := s.access(ctx, shown.Token)
	if err != nil {
		return nil, err
	}
	if c == nil || c.Grant == "" || !slices.Contains(c.Audience, s.o.Minter.Issuer) || !shown.holds(c.Bound) {
		return nil, ErrToken
	}
	if revoked, err := s.revoked(ctx, c); err != nil || revoked {
		return nil, cmp.Or[error](err, ErrToken)
	}
	scopes, err := oauth.ParseScopes(c.Scope)
	if err != nil {
		return nil, ErrToken.Because(err)
	}
	if !scopes.Has(oauth.ScopeOpenID) {
		return nil, oauth.NewError(oauth.InsufficientScope, "The access token has not the scope openid.")
	}
	g, err := s.o.Grants.Live(ctx, c.Grant)
	if errors.Is(err, grant.ErrOver) {
		return nil, ErrToken
	}
	if err != nil {
		return nil, err
	}
	g.Scopes = scopes
	told, err := s.o.Minter.Claims(ctx, g)
	if errors.Is(err, account.ErrNotFound) {
		return nil, ErrToken
	}
	return told, err
}

// holds says whether the token came with what it is bound to, and as a bearer
// token only when it is one: one that is bound to a key and comes without a proof
// may be stolen, and one with a proof that it does not need is no DPoP token.
func (s *Shown) holds(bound *mint.Confirmation) bool {
	var jkt, x5t string
	if bound != nil {
		jkt, x5t = bound.JKT, bound.X5T
	}
	return jkt == s.JKT && (x5t == "" || x5t == s.X5T)
}
