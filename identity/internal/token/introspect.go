package token

import (
	"context"
	"errors"
	"slices"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
)

// Introspection is what a token is worth: RFC 7662, 2.2. Of one that is worth
// nothing, nothing else is told.
type Introspection struct {
	Active bool `json:"active"`
	// TokenType is "Bearer" or "DPoP"; empty for a refresh token.
	TokenType string `json:"token_type,omitempty"`
	*mint.AccessClaims
}

// Introspect says what a token is worth to the client that asks. A client may ask
// about its own tokens, and a resource server, which is a client too, about access
// tokens for one of its resources. To all others a token is worth nothing: so
// nobody takes one that is not for him because it is "active".
func (s *Service) Introspect(ctx context.Context, token string, c client.Client) (Introspection, error) {
	if c.Public() {
		return Introspection{}, oauth.NewError(oauth.InvalidClient, "Only an application that shows who it is may ask about tokens.")
	}
	claims, err := s.access(ctx, token)
	if err != nil {
		return Introspection{}, err
	}
	if claims == nil {
		return s.introspectRefresh(ctx, token, c)
	}
	isFor := func(audience string) bool { return slices.Contains(c.Resources, audience) }
	if claims.ClientID != c.ID && !slices.ContainsFunc(claims.Audience, isFor) {
		return Introspection{}, nil
	}
	if revoked, err := s.revoked(ctx, claims); err != nil || revoked {
		return Introspection{}, err
	}
	kind := "Bearer"
	if claims.Bound != nil && claims.Bound.JKT != "" {
		kind = "DPoP"
	}
	return Introspection{Active: true, TokenType: kind, AccessClaims: claims}, nil
}

func (s *Service) introspectRefresh(ctx context.Context, token string, c client.Client) (Introspection, error) {
	g, ends, err := s.o.Grants.ByRefresh(ctx, token)
	if errors.Is(err, grant.ErrRefresh) || err == nil && g.Client != c.ID {
		return Introspection{}, nil
	}
	if err != nil {
		return Introspection{}, err
	}
	return Introspection{Active: true, AccessClaims: &mint.AccessClaims{Issuer: s.o.Minter.Issuer, Subject: g.Account, Audience: []string{s.o.Minter.Issuer},
		Expires: ends.Unix(), IssuedAt: g.MadeAt.Unix(), NotBefore: g.MadeAt.Unix(), ID: g.ID, ClientID: g.Client, Scope: g.Scopes.String(), Session: g.Session, Grant: g.ID}}, nil
}
