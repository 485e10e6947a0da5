package identity

import (
	"net/http"

	"guildhall/identity/internal/jws"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/signing"
	"guildhall/identity/internal/token"
	"guildhall/platform/i18n"
)

// forCaches lets copies of what rarely changes live for five minutes. A key is
// announced longer before it signs.
const forCaches = "public, max-age=300"

// discovery is what there is, for programs: OpenID Connect Discovery, 3, and RFC
// 8414, 2.
type discovery struct {
	Issuer     string `json:"issuer"`
	Authorize  string `json:"authorization_endpoint"`
	Token      string `json:"token_endpoint"`
	UserInfo   string `json:"userinfo_endpoint"`
	Keys       string `json:"jwks_uri"`
	PAR        string `json:"pushed_authorization_request_endpoint"`
	Introspect string `json:"introspection_endpoint"`
	Revoke     string `json:"revocation_endpoint"`
	Device     string `json:"device_authorization_endpoint"`
	Logout     string `json:"end_session_endpoint"`

	Scopes        []string `json:"scopes_supported"`
	Responses     []string `json:"response_types_supported"`
	Modes         []string `json:"response_modes_supported"`
	Grants        []string `json:"grant_types_supported"`
	Subjects      []string `json:"subject_types_supported"`
	ACR           []string `json:"acr_values_supported"`
	IDAlgorithms  []string `json:"id_token_signing_alg_values_supported"`
	Claims        []string `json:"claims_supported"`
	ClaimTypes    []string `json:"claim_types_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Prompts       []string `json:"prompt_values_supported"`
	Languages     []string `json:"ui_locales_supported"`
	Proofs        []string `json:"dpop_signing_alg_values_supported"`
	Methods       []string `json:"token_endpoint_auth_methods_supported"`
	Assertions    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	AskMethods    []string `json:"introspection_endpoint_auth_methods_supported"`
	AskAssertions []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	EndMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	EndAssertions []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`

	// Certified are the same endpoints, where applications are asked for their
	// certificate: RFC 8705, 5.
	Certified aliases `json:"mtls_endpoint_aliases"`
	// Bound says that tokens can be bound to it: RFC 8705, 3.3.
	Bound bool `json:"tls_client_certificate_bound_access_tokens"`

	IssuerInAnswer  bool `json:"authorization_response_iss_parameter_supported"`
	ClaimsParameter bool `json:"claims_parameter_supported"`
	Request         bool `json:"request_parameter_supported"`
	RequestURI      bool `json:"request_uri_parameter_supported"`

	// BackChannel says that applications are told when a session ends, and
	// BackChannelSession that they are told which.
	BackChannel        bool `json:"backchannel_logout_supported"`
	BackChannelSession bool `json:"backchannel_logout_session_supported"`
}

// aliases are addresses of endpoints under their names in discovery.
type aliases struct {
	Token      string `json:"token_endpoint"`
	UserInfo   string `json:"userinfo_endpoint"`
	PAR        string `json:"pushed_authorization_request_endpoint"`
	Introspect string `json:"introspection_endpoint"`
	Revoke     string `json:"revocation_endpoint"`
	Device     string `json:"device_authorization_endpoint"`
}

func (p *provider) discovery() discovery {
	d := discovery{Issuer: p.Issuer, Authorize: p.Issuer + authorizePath, Token: p.Issuer + tokenPath, UserInfo: p.Issuer + userinfoPath,
		Keys: p.Issuer + jwksPath, PAR: p.Issuer + parPath, Introspect: p.Issuer + introspectPath, Revoke: p.Issuer + revokePath, Device: p.Issuer + devicePath,
		Logout: p.Issuer + logoutPath, BackChannel: true, BackChannelSession: true,
		Scopes:       []string{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopeOffline, oauth.ScopeRoles},
		Responses:    []string{oauth.ResponseCode, oauth.ResponseToken, oauth.ResponseIDToken, oauth.ResponseIDTokenToken},
		Modes:        []string{oauth.ModeQuery, oauth.ModeFragment, oauth.ModeFormPost},
		Grants:       token.GrantTypes(),
		Subjects:     []string{"public"},
		ACR:          []string{oauth.ACRPassword, oauth.ACRStrong},
		IDAlgorithms: signing.Algorithms(),
		Claims:       append([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "roles"}, mint.ClaimNames()...),
		ClaimTypes:   []string{"normal"},
		Challenges:   []string{"S256"},
		Prompts:      []string{"none", "login", "consent", "select_account"},
		Proofs:       jws.Algorithms(), Methods: p.Clients.Methods(), Assertions: jws.Algorithms(),
		AskAssertions: jws.Algorithms(), EndMethods: p.Clients.Methods(), EndAssertions: jws.Algorithms(),
		Certified: aliases{Token: p.Certified + tokenPath, UserInfo: p.Certified + userinfoPath, PAR: p.Certified + parPath,
			Introspect: p.Certified + introspectPath, Revoke: p.Certified + revokePath, Device: p.Certified + devicePath}, Bound: true,
		IssuerInAnswer: true, ClaimsParameter: true}
	for _, l := range i18n.Languages() {
		d.Languages = append(d.Languages, l.Code)
	}
	for _, method := range d.Methods {
		if method != oauth.MethodNone {
			d.AskMethods = append(d.AskMethods, method)
		}
	}
	return d
}

func (p *provider) discover(w http.ResponseWriter, _ *http.Request) (any, error) {
	w.Header().Set("Cache-Control", forCaches)
	return p.metadata, nil
}

// jwks is the keys that verify our tokens: RFC 7517, 5.
func (p *provider) jwks(w http.ResponseWriter, r *http.Request) (any, error) {
	set, err := p.Keys.Public(r.Context())
	if err == nil {
		w.Header().Set("Cache-Control", forCaches)
	}
	return set, err
}
