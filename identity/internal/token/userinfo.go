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
	g, err := s.Grant(ctx, shown)
	if err != nil {
		return nil, err
	}
	if !g.Scopes.Has(oauth.ScopeOpenID) {
		return nil, oauth.NewError(oauth.InsufficientScope, "The access token has not the scope openid.")
	}
	told, err := s.o.Minter.Claims(ctx, g)
	if errors.Is(err, account.ErrNotFound) {
		return nil, ErrToken
	}
	return told, err
}

// Grant is the live grant of an access token for identity itself, with the scopes of
// the token. The error is ErrToken.
func (s *Service) Grant(ctx context.Context, shown Shown) (grant.Grant, error) {
	c, err := s.access(ctx, shown.Token)
	if err != nil {
		return grant.Grant{}, err
	}
	if c == nil || c.Grant == "" || !slices.Contains(c.Audience, s.o.Minter.Issuer) || !shown.holds(c.Bound) {
		return grant.Grant{}, ErrToken
	}
	if revoked, err := s.revoked(ctx, c); err != nil || revoked {
		return grant.Grant{}, cmp.Or[error](err, ErrToken)
	}
	scopes, err := oauth.ParseScopes(c.Scope)
	if err != nil {
		return grant.Grant{}, ErrToken.Because(err)
	}
	g, err := s.o.Grants.Live(ctx, c.Grant)
	if errors.Is(err, grant.ErrOver) {
		err = ErrToken
	}
	g.Scopes = scopes
	return g, err
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
