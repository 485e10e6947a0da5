package identity

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Metadata is what an application is and may: an OAuth 2.0 client. The names in
// JSON are those of RFC 7591 and its neighbours where they have one. Lengths of
// time are a number and a unit, such as "10m" or "30d".
type Metadata struct {
	Name string `json:"client_name,omitempty" maxLength:"100" doc:"Name that people see when they sign in." example:"Shop"`
	// Kind decides what a new application has where nothing else is said.
	Kind                 string          `json:"kind,omitempty" enum:"web,spa,native,device,service" doc:"web: has a server that keeps a secret; spa: runs in the browser; native: on a telephone or computer; device: has no browser; service: acts for itself. It never changes." example:"web"`
	Method               string          `json:"token_endpoint_auth_method,omitempty" enum:"none,client_secret_basic,client_secret_post,private_key_jwt,tls_client_auth,self_signed_tls_client_auth" doc:"How it shows who it is." example:"client_secret_basic"`
	RedirectURIs         []string        `json:"redirect_uris,omitzero" nullable:"false" doc:"Where people come back to after they sign in; compared character by character. For native ones on the loopback address the port may differ." example:"[\"https://shop.example.com/callback\"]"`
	PostLogoutURIs       []string        `json:"post_logout_redirect_uris,omitzero" nullable:"false" doc:"Where people come back to after they sign out."`
	GrantTypes           []string        `json:"grant_types,omitzero" nullable:"false" enum:"authorization_code,refresh_token,client_credentials,urn:ietf:params:oauth:grant-type:device_code,implicit,password" doc:"The ways in which it gets tokens. implicit and password are insecure, and written to the log when they are allowed." example:"[\"authorization_code\",\"refresh_token\"]"`
	ResponseTypes        []string        `json:"response_types,omitzero" nullable:"false" enum:"code,token,id_token,id_token token" doc:"What it may ask the authorization endpoint for." example:"[\"code\"]"`
	Scopes               []string        `json:"scopes,omitzero" nullable:"false" doc:"What it may ask for." example:"[\"openid\",\"email\"]"`
	Audiences            []string        `json:"audiences,omitzero" nullable:"false" doc:"Resources (RFC 8707) that its tokens may be for; none: the issuer alone." example:"[\"https://api.example.com\"]"`
	Resources            []string        `json:"resources,omitzero" nullable:"false" doc:"Resources that it is itself: it may introspect the tokens for them, and follow what was revoked."`
	JWKS                 json.RawMessage `json:"jwks,omitempty" doc:"Its public keys, a JWK set (RFC 7517), for private_key_jwt and self_signed_tls_client_auth."`
	TLSSubjectDNS        string          `json:"tls_client_auth_san_dns,omitempty" doc:"The DNS name in its certificate, for tls_client_auth." example:"shop.example.com"`
	IDTokenAlgorithm     string          `json:"id_token_signed_response_alg,omitempty" enum:"ES256,EdDSA,RS256" doc:"What signs its ID tokens; ES256 when absent."`
	AccessTokenAlgorithm string          `json:"access_token_signed_response_alg,omitempty" enum:"ES256,EdDSA,RS256" doc:"What signs its access tokens; ES256 when absent."`
	AccessTokenLife      string          `json:"access_token_life,omitempty" doc:"How long an access token lives, 1m to 1h; 10m when absent." example:"10m"`
	RefreshIdle          string          `json:"refresh_token_idle,omitempty" doc:"How long a refresh token lives that is not used, 1h to 400d; 30d when absent." example:"30d"`
	RefreshLife          string          `json:"refresh_token_life,omitempty" doc:"How long all refresh tokens of one sign-in live, 1h to 400d; 180d when absent." example:"180d"`
	Trusted              bool            `json:"trusted,omitempty" doc:"The company's own application: nobody is asked for consent."`
	RequirePAR           bool            `json:"require_pushed_authorization_requests,omitempty" doc:"Authorization requests must be pushed (RFC 9126)."`
	PKCEOptional         bool            `json:"pkce_optional,omitempty" doc:"It may leave PKCE out, because it cannot do it; only where it shows who it is."`
	DPoPBound            bool            `json:"dpop_bound_access_tokens,omitempty" doc:"Its tokens are bound to a key (RFC 9449)."`
	TLSBound             bool            `json:"tls_client_certificate_bound_access_tokens,omitempty" doc:"Its tokens are bound to its certificate (RFC 8705)."`
	BackchannelLogoutURI string          `json:"backchannel_logout_uri,omitempty" doc:"Is told when a session ends."`
	BackchannelSession   bool            `json:"backchannel_logout_session_required,omitempty" doc:"It is told which session."`
}

// Application is one that is registered.
type Application struct {
	ID        string    `json:"client_id" readOnly:"true" doc:"The client_id." example:"app_06a4m8w3j5t2n7q1c9v0xkzgde"`
	State     string    `json:"state,omitzero" readOnly:"true" enum:"active,disabled" doc:"A disabled one gets no tokens."`
	Own       bool      `json:"own,omitempty" readOnly:"true" doc:"It is a part of guildhall: it can be disabled and enabled, but not changed or removed."`
	MadeAt    time.Time `json:"made_at,omitzero" readOnly:"true" doc:"When it was registered."`
	ChangedAt time.Time `json:"changed_at,omitzero" readOnly:"true" doc:"When it was changed last."`
	Metadata
}

// NewApplication is an application just made.
type NewApplication struct {
	Application
	Secret string `json:"client_secret,omitempty" doc:"The secret, if it shows who it is by one. It is in no later answer."`
}

// ApplicationRequest chooses applications; its zero value means all, by name.
type ApplicationRequest struct {
	// Text is looked for in name and id.
	Text string
	// State is "active", "disabled" or empty.
	State string
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// ApplicationList is one page of applications.
type ApplicationList struct {
	Applications []Application `json:"applications" nullable:"false"`
	Total        int           `json:"total" doc:"How many there are in all pages."`
}

// SecretRequest asks for a new secret.
type SecretRequest struct {
	Overlap     string `json:"overlap,omitempty" doc:"How long the old secret works on, up to 30d; by default it does not." example:"24h"`
	Compromised bool   `json:"compromised,omitempty" doc:"Somebody else knows the old secret: what the application holds is revoked, and there is no overlap."`
}

// NewSecret is a secret just made.
type NewSecret struct {
	Secret     string     `json:"client_secret" doc:"The secret. It is in no later answer."`
	OldExpires *time.Time `json:"old_expires_at,omitempty" doc:"Until when the old one works; absent: it is dead."`
}

// CreateApplication registers an application. What the metadata leaves out is as
// its kind has it; an empty list that is not nil is one of nothing.
func (c *Client) CreateApplication(ctx context.Context, m Metadata) (*NewApplication, error) {
	return api.Call[NewApplication](ctx, c.Client, http.MethodPost, "applications", m)
}

// Applications reads one page of applications.
func (c *Client) Applications(ctx context.Context, r ApplicationRequest) (*ApplicationList, error) {
	q := api.Query(map[string]string{"q": r.Text, "state": r.State}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	return api.Call[ApplicationList](ctx, c.Client, http.MethodGet, "applications?"+q.Encode(), nil)
}

// Application reads an application.
func (c *Client) Application(ctx context.Context, id string) (*Application, error) {
	return api.Call[Application](ctx, c.Client, http.MethodGet, application(id), nil)
}

// UpdateApplication replaces the metadata of the application with a.ID as a whole:
// what is left out it has no more. When it was changed after a.ChangedAt the error's
// code is "application_changed"; a zero ChangedAt takes the place of whatever is
// there. An application that needs a secret from now on gets it by RotateSecret.
func (c *Client) UpdateApplication(ctx context.Context, a Application) (*Application, error) {
	return api.Call[Application](ctx, c.Client, http.MethodPut, application(a.ID), a)
}

// RotateSecret gives an application a new secret.
func (c *Client) RotateSecret(ctx context.Context, id string, r SecretRequest) (*NewSecret, error) {
	return api.Call[NewSecret](ctx, c.Client, http.MethodPost, application(id)+"/rotate-secret", r)
}

// DisableApplication stops an application and revokes what it holds.
func (c *Client) DisableApplication(ctx context.Context, id string) (*Application, error) {
	return api.Call[Application](ctx, c.Client, http.MethodPost, application(id)+"/disable", nil)
}

// EnableApplication lets a disabled application begin anew.
func (c *Client) EnableApplication(ctx context.Context, id string) (*Application, error) {
	return api.Call[Application](ctx, c.Client, http.MethodPost, application(id)+"/enable", nil)
}

// RemoveApplication deletes an application, its secrets, and what it holds.
func (c *Client) RemoveApplication(ctx context.Context, id string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, application(id), nil)
	return err
}

func application(id string) string { return "applications/" + url.PathEscape(id) }
