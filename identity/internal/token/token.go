// Package token is what the token endpoint and its neighbours do: it exchanges
// codes, refresh tokens and credentials for tokens (RFC 6749), tells what a token
// is worth (RFC 7662), takes tokens back (RFC 7009), and says who the person of an
// access token is (OpenID Connect Core, 5.3).
//
// Who asks was found out before, by package clientauth, and which key he has, by
// package dpop.
package token

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/device"
	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/audit"
)

// Options is what a Service needs; all of it.
type Options struct {
	Grants   *grant.Desk
	Devices  *device.Desk
	Accounts *account.Service
	Factors  *factor.Desk
	Minter   *mint.Minter
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is safe for concurrent use.
type Service struct{ o Options }

// New makes a service.
func New(o Options) *Service { return &Service{o: o} }

// Request is a token request of an authenticated client.
type Request struct {
	// Values are its parameters, each once but resource.
	Values url.Values
	Client client.Client
	// JKT and X5T are thumbprints of the key that a DPoP proof was made with and of
	// the certificate of the connection; empty: there is none.
	JKT, X5T string
	By       audit.Caller
}

// Response is the answer to a token request: RFC 6749, 5.1.
type Response struct {
	AccessToken string `json:"access_token"`
	// TokenType is "Bearer", or "DPoP" for a token that is bound to a key.
	TokenType string `json:"token_type"`
	// ExpiresIn is in seconds.
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// GrantTypes are the ways to get tokens, as discovery lists them.
func GrantTypes() []string {
	return []string{oauth.GrantCode, oauth.GrantRefresh, oauth.GrantClientCredentials, oauth.GrantDevice, oauth.GrantImplicit, oauth.GrantPassword}
}

// Exchange makes tokens. Unless the failure is ours, the error is an oauth.Error
// or throttle.ErrThrottled.
func (s *Service) Exchange(ctx context.Context, r Request) (Response, error) {
	kind := r.Values.Get("grant_type")
	by := map[string]func(context.Context, Request) (Response, error){
		oauth.GrantCode: s.code, oauth.GrantRefresh: s.refresh, oauth.GrantClientCredentials: s.credentials,
		oauth.GrantDevice: s.device, oauth.GrantPassword: s.password}[kind]
	switch {
	case kind == "":
		return Response{}, oauth.NewError(oauth.InvalidRequest, "The parameter grant_type is missing.")
	case by == nil:
		return Response{}, oauth.NewError(oauth.UnsupportedGrantType, "The grant_type is none that this endpoint knows. Discovery lists them.")
	case !r.Client.Allows(kind):
		return Response{}, oauth.NewError(oauth.UnauthorizedClient, "The application is not registered for the grant_type %s.", kind)
	}
	if err := r.keys(); err != nil {
		return Response{}, err
	}
	return by(ctx, r)
}

// answer makes the tokens that follow from a grant. For no grant (client
// credentials) the access token is all.
func (s *Service) answer(ctx context.Context, r Request, g *grant.Grant, scopes oauth.Scopes, refresh string) (Response, error) {
	var granted []string
	if g != nil {
		granted = g.Audiences
	}
	audiences, err := s.target(r, granted)
	if err != nil {
		return Response{}, err
	}
	scopes = scopes.Within(r.Client.Scopes) // an administrator may have taken some away
	access := mint.Access{Grant: g, Client: r.Client, Scopes: scopes, Audiences: audiences, JKT: r.JKT, X5T: r.certificate()}
	token, _, life, err := s.o.Minter.AccessToken(ctx, access)
	if err != nil {
		return Response{}, err
	}
	out := Response{AccessToken: token, TokenType: "Bearer", ExpiresIn: int64(life.Seconds()), RefreshToken: refresh, Scope: scopes.String()}
	if r.JKT != "" {
		out.TokenType = "DPoP"
	}
	if g != nil && scopes.Has(oauth.ScopeOpenID) {
		narrow := *g
		narrow.Scopes = scopes
		out.IDToken, err = s.o.Minter.IDToken(ctx, narrow, r.Client, token, "")
	}
	return out, err
}

// life is that of the client's refresh tokens; zero: it gets none.
func life(c *client.Client) grant.RefreshLife {
	if !c.Allows(oauth.GrantRefresh) {
		return grant.RefreshLife{}
	}
	idle, absolute := c.RefreshLives()
	return grant.RefreshLife{Idle: idle, Absolute: absolute}
}
