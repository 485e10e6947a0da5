// Package mint makes access tokens (RFC 9068) and ID tokens (OpenID Connect
// Core, 2). It keeps nothing: what a token says of itself is all there is of it.
package mint

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/signing"
)

// The header "typ" of the tokens.
const (
	TypeAccess = "at+jwt"
	TypeID     = "JWT"
)

// Minter makes tokens. It is safe for concurrent use.
type Minter struct {
	Signing  *signing.Desk
	Accounts *account.Service
	// Roles and Clients are asked for what the scope roles tells; Roles may be nil:
	// nobody has any.
	Roles   *role.Desk
	Clients *client.Desk
	// Issuer is "iss": the public address of identity, without final slash.
	Issuer string
	Now    func() time.Time
}

// Access is what an access token is made of.
type Access struct {
	// Grant is what it follows from; nil for client credentials, whose subject is
	// the client itself.
	Grant  *grant.Grant
	Client client.Client
	Scopes oauth.Scopes
	// Audiences are whom it is for; none: those that the client is registered for,
	// or else the issuer. With the scope openid it is always for the issuer too,
	// whose userinfo takes it.
	Audiences []string
	// JKT and X5T are what it is bound to (RFC 9449 and 8705); empty: nothing.
	JKT, X5T string
}

// AccessClaims are the claims of an access token.
type AccessClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  []string `json:"aud"`
	Expires   int64    `json:"exp"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf"`
	ID        string   `json:"jti"`
	ClientID  string   `json:"client_id"`
	Scope     string   `json:"scope,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	// Session and Grant are what it ends with: "ses_..." and "gnt_...".
	Session string        `json:"sid,omitempty"`
	Grant   string        `json:"gid,omitempty"`
	Bound   *Confirmation `json:"cnf,omitempty"`
}

// Confirmation is what a token is bound to: RFC 7800.
type Confirmation struct {
	JKT string `json:"jkt,omitempty"`
	X5T string `json:"x5t#S256,omitempty"`
}

// AccessToken makes an access token, and tells its id and how long it lives.
func (m *Minter) AccessToken(ctx context.Context, a Access) (token, id string, life time.Duration, err error) {
	now, life := m.Now(), a.Client.AccessLife()
	c := AccessClaims{Issuer: m.Issuer, Subject: a.Client.ID, Audience: m.audience(a), Expires: now.Add(life).Unix(), IssuedAt: now.Unix(),
		NotBefore: now.Unix(), ID: rand.Text(), ClientID: a.Client.ID, Scope: a.Scopes.String()}
	if g := a.Grant; g != nil {
		c.Subject, c.ACR, c.AMR, c.Session, c.Grant = g.Account, g.ACR, g.AMR, g.Session, g.ID
		if !g.AuthTime.IsZero() {
			c.AuthTime = g.AuthTime.Unix()
		}
		if a.Scopes.Has(oauth.ScopeRoles) {
			if c.Roles, err = m.roles(ctx, g.Account, &a.Client); err != nil {
				return "", "", 0, err
			}
		}
	}
	if a.JKT != "" || a.X5T != "" {
		c.Bound = &Confirmation{JKT: a.JKT, X5T: a.X5T}
	}
	token, err = m.Signing.Sign(ctx, a.Client.AccessAlgorithm(), TypeAccess, c)
	return token, c.ID, life, err
}

func (m *Minter) audience(a Access) []string {
	list := a.Audiences
	if len(list) == 0 {
		list = a.Client.Audiences
	}
	if len(list) == 0 || a.Scopes.Has(oauth.ScopeOpenID) && !slices.Contains(list, m.Issuer) {
		list = append(slices.Clone(list), m.Issuer)
	}
	return list
}
