package authorize

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
)

// allow makes the answer of a request that nothing stands against, once.
func (s *Service) allow(ctx context.Context, r *Request, c *client.Client, v *Visitor) (Answer, error) {
	if lost := response(r, c, nil); lost != nil { // meanwhile
		return s.deny(ctx, r, lost)
	}
	level := r.acr(v)
	if level == "" {
		return s.deny(ctx, r, oauth.NewError(oauth.UnmetAuthentication, "The person cannot show who it is at the level that the claim acr demands."))
	}
	if err := s.use(ctx, r.ID); err != nil {
		return Answer{}, err
	}
	g := grant.Grant{Account: v.Account, Client: c.ID, Session: v.Session, Offline: r.Scopes.Has(oauth.ScopeOffline), Scopes: r.Scopes, Audiences: r.Audiences,
		Nonce: r.Nonce, ACR: level, AMR: AMR(v.Level, v.Methods), AuthTime: v.AuthenticatedAt, Claims: r.Claims, JKT: r.JKT}
	answered := s.tokens
	if r.code() {
		answered = s.code
	}
	values, err := answered(ctx, r, c, g, v)
	if e, ok := asProtocol(err); ok { // the session ended a moment ago
		return s.refuse(r, e).Answer, nil
	}
	if err != nil {
		return Answer{}, err
	}
	return s.answer(r, values), nil
}

func (s *Service) code(ctx context.Context, r *Request, _ *client.Client, g grant.Grant, v *Visitor) (url.Values, error) {
	code, _, err := s.o.Grants.IssueCode(ctx, g, grant.Code{RedirectURI: r.RedirectURI, GivenURI: r.GivenURI, Challenge: r.Challenge}, v.By)
	return url.Values{"code": {code}}, err
}

// tokens is the answer of the implicit grant.
func (s *Service) tokens(ctx context.Context, r *Request, c *client.Client, g grant.Grant, v *Visitor) (url.Values, error) {
	g, _, err := s.o.Grants.Issue(ctx, g, grant.RefreshLife{}, v.By)
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	var access string
	if r.has(oauth.ResponseToken) {
		var life time.Duration
		access, _, life, err = s.o.Minter.AccessToken(ctx, mint.Access{Grant: &g, Client: *c, Scopes: g.Scopes, Audiences: g.Audiences})
		if err != nil {
			return nil, err
		}
		values.Set("access_token", access)
		values.Set("token_type", "Bearer")
		values.Set("expires_in", strconv.Itoa(int(life/time.Second)))
		values.Set("scope", g.Scopes.String())
	}
	if r.has(oauth.ResponseIDToken) {
		id, err := s.o.Minter.IDToken(ctx, g, *c, access, "")
		if err != nil {
			return nil, err
		}
		values.Set("id_token", id)
	}
	return values, nil
}
