// Package client keeps the applications that people sign in to and that call
// the services: the clients of OAuth 2.0 and OpenID Connect.
//
// What an application may do stands in its Metadata, which Check has seen before
// it is kept. Every application is read from the database when it is asked for,
// so that a change, also one of another node, holds at once.
package client

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"guildhall/identity/internal/oauth"
)

// The kinds of application, each with a preset: see Preset.
const (
	Web     = "web"     // has a server that keeps a secret
	SPA     = "spa"     // runs in the browser
	Native  = "native"  // runs on a telephone or a computer
	Device  = "device"  // has no browser: television, command line
	Service = "service" // acts for itself, not for a person
)

// Kinds are all of them.
func Kinds() []string { return []string{Web, SPA, Native, Device, Service} }

// The states of an application.
const (
	Active   = "active"
	Disabled = "disabled"
)

// The lives of tokens when the metadata says nothing, and their bounds.
const (
	DefaultAccessLife  = 10 * time.Minute
	DefaultRefreshIdle = 30 * day
	DefaultRefreshLife = 180 * day

	MinAccessLife  = time.Minute
	MaxAccessLife  = time.Hour
	MinRefreshLife = time.Hour
	MaxRefreshLife = 400 * day

	day = 24 * time.Hour
)

// Client is an application.
type Client struct {
	// ID is "client_id": "app_...".
	ID                string
	State             string
	MadeAt, ChangedAt time.Time
	Metadata
}

// Metadata is what an application is and may. The names in JSON are those of
// RFC 7591 and its neighbours where they have one. Lists are sets: their order
// is kept and means nothing.
type Metadata struct {
	Name string `json:"client_name"`
	// Kind is the preset it was made from; it decides which redirect URIs are good
	// and never changes.
	Kind string `json:"kind"`
	// Method is how it shows who it is: one of oauth.Method*.
	Method         string       `json:"token_endpoint_auth_method"`
	RedirectURIs   []string     `json:"redirect_uris,omitempty"`
	PostLogoutURIs []string     `json:"post_logout_redirect_uris,omitempty"`
	GrantTypes     []string     `json:"grant_types"`
	ResponseTypes  []string     `json:"response_types,omitempty"`
	Scopes         oauth.Scopes `json:"scopes,omitempty"`
	// Audiences are the resources (RFC 8707) that its tokens may be for; none: the
	// issuer alone.
	Audiences []string `json:"audiences,omitempty"`
	// Resources are those that the application is: it may ask what the tokens for
	// them are worth (RFC 7662).
	Resources []string `json:"resources,omitempty"`
	// JWKS has its public keys, for private_key_jwt and self_signed_tls_client_auth.
	JWKS json.RawMessage `json:"jwks,omitempty"`
	// TLSSubjectDNS is the name in its certificate, for tls_client_auth.
	TLSSubjectDNS string `json:"tls_client_auth_san_dns,omitempty"`
	// IDTokenAlgorithm and AccessTokenAlgorithm are what its tokens are signed
	// with; empty: ES256. See IDAlgorithm and AccessAlgorithm.
	IDTokenAlgorithm     string `json:"id_token_signed_response_alg,omitempty"`
	AccessTokenAlgorithm string `json:"access_token_signed_response_alg,omitempty"`
	// AccessTokenLife is how long an access token lives, RefreshIdle how long a
	// refresh token that is not used, RefreshLife how long all refresh tokens of
	// one grant; 0: the defaults. See AccessLife and RefreshLives.
	AccessTokenLife time.Duration `json:"access_token_life,omitempty"`
	RefreshIdle     time.Duration `json:"refresh_token_idle,omitempty"`
	RefreshLife     time.Duration `json:"refresh_token_life,omitempty"`
	// Trusted is the company's own application, which no person has to consent to.
	Trusted bool `json:"trusted,omitempty"`
	// RequirePAR wants authorization requests pushed (RFC 9126).
	RequirePAR bool `json:"require_pushed_authorization_requests,omitempty"`
	// PKCEOptional exempts a confidential application that cannot do PKCE.
	PKCEOptional bool `json:"pkce_optional,omitempty"`
	// DPoPBound and TLSBound want its tokens bound to a key or a certificate.
	DPoPBound bool `json:"dpop_bound_access_tokens,omitempty"`
	TLSBound  bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	// BackchannelLogoutURI is told when a session ends; BackchannelSession wants
	// to know which.
	BackchannelLogoutURI string `json:"backchannel_logout_uri,omitempty"`
	BackchannelSession   bool   `json:"backchannel_logout_session_required,omitempty"`
}

// Active says whether the application may do anything.
func (c *Client) Active() bool { return c.State == Active }

// Allows says whether the application may use the grant type.
func (m *Metadata) Allows(grantType string) bool { return slices.Contains(m.GrantTypes, grantType) }

// AllowsResponse says whether the application may ask for the response type,
// whose words may stand in any order.
func (m *Metadata) AllowsResponse(responseType string) bool {
	asked := words(responseType)
	return len(asked) > 0 && slices.ContainsFunc(m.ResponseTypes, func(t string) bool { return slices.Equal(words(t), asked) })
}

func words(text string) []string { return slices.Sorted(slices.Values(strings.Fields(text))) }

// Public says whether the application has nothing to show who it is with.
func (m *Metadata) Public() bool { return m.Method == oauth.MethodNone }

// HasSecret says whether the application shows who it is by a secret.
func (m *Metadata) HasSecret() bool {
	return m.Method == oauth.MethodBasic || m.Method == oauth.MethodPost
}

// IDAlgorithm is what its ID tokens are signed with.
func (m *Metadata) IDAlgorithm() string { return orDefault(m.IDTokenAlgorithm, oauth.ES256) }

// AccessAlgorithm is what its access tokens are signed with.
func (m *Metadata) AccessAlgorithm() string { return orDefault(m.AccessTokenAlgorithm, oauth.ES256) }

// AccessLife is how long its access tokens live.
func (m *Metadata) AccessLife() time.Duration {
	return orDefault(m.AccessTokenLife, DefaultAccessLife)
}

// RefreshLives are how long a refresh token lives that is not used, and how long
// all those of one grant.
func (m *Metadata) RefreshLives() (idle, absolute time.Duration) {
	absolute = orDefault(m.RefreshLife, DefaultRefreshLife)
	return min(orDefault(m.RefreshIdle, DefaultRefreshIdle), absolute), absolute
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}
