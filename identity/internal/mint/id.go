package mint

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
)

// IDToken makes an ID token for the client, bound to the access token and the
// code that it is sent with, where they are not empty.
//
// What the scopes tell of a person is asked of userinfo. Only when there is no
// access token to ask with, it stands in the ID token.
func (m *Minter) IDToken(ctx context.Context, g grant.Grant, c client.Client, accessToken, code string) (string, error) {
	now, algorithm := m.Now(), c.IDAlgorithm()
	said := map[string]any{"iss": m.Issuer, "sub": g.Account, "aud": c.ID, "azp": c.ID, "exp": now.Add(c.AccessLife()).Unix(), "iat": now.Unix()}
	if !g.AuthTime.IsZero() {
		said["auth_time"] = g.AuthTime.Unix()
	}
	if len(g.AMR) > 0 {
		said["amr"] = g.AMR
	}
	for name, value := range map[string]string{"nonce": g.Nonce, "acr": g.ACR, "sid": g.Session,
		"at_hash": half(algorithm, accessToken), "c_hash": half(algorithm, code)} {
		if value != "" {
			said[name] = value
		}
	}
	asked, err := asks(g)
	if err != nil {
		return "", err
	}
	scopes := g.Scopes
	if accessToken != "" {
		scopes = nil
	}
	person, err := m.person(ctx, g, scopes, asked.IDToken)
	if err != nil {
		return "", err
	}
	maps.Copy(said, person)
	if g.Scopes.Has(oauth.ScopeRoles) {
		if said["roles"], err = m.roles(ctx, g.Account, &c); err != nil {
			return "", err
		}
	}
	return m.Signing.Sign(ctx, algorithm, TypeID, said)
}

// Claims is what userinfo tells of the person of a grant: by its scopes, and what
// the parameter "claims" asked for.
func (m *Minter) Claims(ctx context.Context, g grant.Grant) (map[string]any, error) {
	asked, err := asks(g)
	if err != nil {
		return nil, err
	}
	person, err := m.person(ctx, g, g.Scopes, asked.UserInfo)
	if err != nil {
		return nil, err
	}
	person["sub"] = g.Account
	if g.Scopes.Has(oauth.ScopeRoles) {
		c, err := m.Clients.Get(ctx, g.Client)
		if err != nil {
			return nil, err
		}
		if person["roles"], err = m.roles(ctx, g.Account, &c); err != nil {
			return nil, err
		}
	}
	return person, nil
}

// PicturePath is where the pictures of accounts are found by their names.
const PicturePath = "/pictures/"

// ClaimNames are the claims about a person that there are, as discovery lists
// them.
func ClaimNames() []string { return []string{"name", "locale", "picture", "email", "email_verified"} }

// scopeOf is the scope that a person allows a claim by.
var scopeOf = map[string]string{"name": oauth.ScopeProfile, "locale": oauth.ScopeProfile, "picture": oauth.ScopeProfile, "email": oauth.ScopeEmail, "email_verified": oauth.ScopeEmail}

// person is what the scopes tell and what was asked for by name. A claim by name
// needs its scope as well: a person has allowed nothing else.
func (m *Minter) person(ctx context.Context, g grant.Grant, scopes oauth.Scopes, named map[string]*oauth.Claim) (map[string]any, error) {
	told := map[string]any{}
	for _, claim := range ClaimNames() {
		_, asked := named[claim]
		if scopes.Has(scopeOf[claim]) || asked && g.Scopes.Has(scopeOf[claim]) {
			told[claim] = nil
		}
	}
	if len(told) == 0 {
		return told, nil
	}
	a, err := m.Accounts.Get(ctx, g.Account)
	if err != nil {
		return nil, err
	}
	all := map[string]any{"name": a.Name, "locale": a.Language, "email": a.Email, "email_verified": a.EmailProved}
	if a.Picture != "" {
		all["picture"] = m.Issuer + PicturePath + a.Picture
	}
	for claim := range told {
		if told[claim] = all[claim]; told[claim] == nil {
			delete(told, claim)
		}
	}
	return told, nil
}

func asks(g grant.Grant) (asked oauth.Claims, err error) {
	if len(g.Claims) == 0 {
		return asked, nil
	}
	if err := json.Unmarshal(g.Claims, &asked); err != nil {
		return asked, fmt.Errorf("read the claims that grant %s was asked for: %w", g.ID, err)
	}
	return asked, nil
}

// half is the left half of the hash of a token, by the ID token's algorithm
// (OpenID Connect Core, 3.1.3.6); empty for an empty token.
func half(algorithm, token string) string {
	if token == "" {
		return ""
	}
	if algorithm == oauth.EdDSA { // Ed25519 hashes by SHA-512
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
