package oauth

// The ways to get tokens: "grant_type".
const (
	GrantCode              = "authorization_code"
	GrantRefresh           = "refresh_token"
	GrantClientCredentials = "client_credentials"
	GrantDevice            = "urn:ietf:params:oauth:grant-type:device_code"
	// GrantImplicit stands in a client's metadata alone: RFC 7591, 2.1.
	GrantImplicit = "implicit"
	GrantPassword = "password"
)

// The answers of the authorization endpoint: "response_type".
const (
	ResponseCode         = "code"
	ResponseToken        = "token"
	ResponseIDToken      = "id_token"
	ResponseIDTokenToken = "id_token token"
)

// The ways in which the authorization endpoint answers: "response_mode".
const (
	ModeQuery    = "query"
	ModeFragment = "fragment"
	ModeFormPost = "form_post"
)

// The ways in which a client shows who it is: "token_endpoint_auth_method".
const (
	MethodNone          = "none"
	MethodBasic         = "client_secret_basic"
	MethodPost          = "client_secret_post"
	MethodPrivateKeyJWT = "private_key_jwt"
	MethodTLS           = "tls_client_auth"             // RFC 8705, 2.1: a certificate of the authority
	MethodSelfSignedTLS = "self_signed_tls_client_auth" // RFC 8705, 2.2
)

// The signature algorithms, as in RFC 7518 and RFC 8037.
const (
	ES256 = "ES256"
	EdDSA = "EdDSA"
	RS256 = "RS256"
)

// How surely a person has shown who it is: "acr".
const (
	// ACRPassword is one factor.
	ACRPassword = "aal1"
	// ACRStrong is two factors, or a passkey that checked its owner.
	ACRStrong = "aal2"
)
