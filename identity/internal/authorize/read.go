package authorize

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
)

const (
	maxAudiences = 10
	maxNonce     = 512
	maxHint      = 254
	maxAgeDigits = 9
)

// read reads the parameters of a request to an address that is good. The Request
// can be answered to even when there is an error.
func read(c *client.Client, params url.Values, issuer string) (*Request, *oauth.Error) {
	r := &Request{Client: c.ID, ResponseType: responseType(params), MaxAge: unlimited}
	if states := params["state"]; len(states) == 1 {
		r.State = states[0]
	}
	var bad *oauth.Error
	if r.Mode, bad = mode(params); bad != nil {
		return r, bad
	}
	for _, part := range []func(*Request, *client.Client, url.Values) *oauth.Error{once, unsupported, response, proof, scope, person, freshness, claims} {
		if bad := part(r, c, params); bad != nil {
			return r, bad
		}
	}
	return r, resources(r, c, params, issuer)
}

// once refuses parameters that are there twice (RFC 6749, 3.1): two readers could
// take different ones. Resources may be several (RFC 8707, 2).
func once(_ *Request, _ *client.Client, params url.Values) *oauth.Error {
	size := 0
	for name, values := range params {
		if len(values) > 1 && name != "resource" {
			return oauth.NewError(oauth.InvalidRequest, "The parameter %.40s is there more than once.", name)
		}
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	if size > maxParams {
		return oauth.NewError(oauth.InvalidRequest, "The request is longer than %d bytes. Push it (RFC 9126), or ask for less.", maxParams)
	}
	return nil
}

func unsupported(_ *Request, _ *client.Client, params url.Values) *oauth.Error {
	switch {
	case params.Has("request"):
		return oauth.NewError(oauth.RequestNotSupported, "Signed requests are not supported. Send the parameters as they are, or push them (RFC 9126).")
	case params.Has("request_uri"):
		return oauth.NewError(oauth.RequestURINotSupported, "The request_uri is none that was given out here. Push the request first (RFC 9126).")
	case params.Has("registration"):
		return oauth.NewError(oauth.RegistrationNotSupported, "Applications are registered by an administrator, not by a request.")
	}
	return nil
}

func response(r *Request, c *client.Client, _ url.Values) *oauth.Error {
	grant := oauth.GrantImplicit
	switch r.ResponseType {
	case "":
		return oauth.NewError(oauth.InvalidRequest, "The parameter response_type is missing.")
	case oauth.ResponseCode:
		grant = oauth.GrantCode
	case oauth.ResponseToken, oauth.ResponseIDToken, oauth.ResponseIDTokenToken:
	default:
		return oauth.NewError(oauth.UnsupportedResponseType, "The response_type is none of code, token, id_token and id_token token.")
	}
	if !c.AllowsResponse(r.ResponseType) || !c.Allows(grant) {
		return oauth.NewError(oauth.UnauthorizedClient, "This application is not registered for the response_type %s.", r.ResponseType)
	}
	if r.has(oauth.ResponseToken) && (c.DPoPBound || c.TLSBound) {
		return oauth.NewError(oauth.UnauthorizedClient, "The tokens of this application are bound to a key, so they are not sent through the browser. Use response_type code.")
	}
	return nil
}

var challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// proof reads what binds the code to who asked for it: PKCE (RFC 7636), by S256
// alone, and dpop_jkt (RFC 9449, 10).
func proof(r *Request, c *client.Client, params url.Values) *oauth.Error {
	if r.JKT = params.Get("dpop_jkt"); r.JKT != "" && !thumbprint(r.JKT) {
		return oauth.NewError(oauth.InvalidRequest, "The dpop_jkt is no SHA-256 thumbprint in base64url.")
	}
	if !r.code() {
		return nil
	}
	r.Challenge = params.Get("code_challenge")
	method, named := params.Get("code_challenge_method"), params.Has("code_challenge_method")
	switch {
	case r.Challenge == "" && named, r.Challenge == "" && params.Has("code_challenge"):
		return oauth.NewError(oauth.InvalidRequest, "The code_challenge is missing or empty.")
	case r.Challenge == "" && (c.Public() || !c.PKCEOptional):
		return oauth.NewError(oauth.InvalidRequest, "PKCE is required: send code_challenge and code_challenge_method=S256 (RFC 7636).")
	case r.Challenge == "":
		return nil
	case method != "S256":
		return oauth.NewError(oauth.InvalidRequest, "The code_challenge_method must be S256: with any other the challenge protects nothing.")
	case !thumbprint(r.Challenge):
		return oauth.NewError(oauth.InvalidRequest, "The code_challenge is no SHA-256 in base64url without padding (43 characters).")
	}
	return nil
}

// thumbprint says whether the text is a SHA-256 in base64url, written in the one
// way there is.
func thumbprint(text string) bool {
	if !challenge.MatchString(text) {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil
}

// scope reads the scopes. Those that OpenID Connect defines and nobody can have
// here are left out, as it wants; any other must be registered.
func scope(r *Request, c *client.Client, params url.Values) *oauth.Error {
	asked, err := oauth.ParseScopes(params.Get("scope"))
	if err != nil {
		e, _ := oauth.AsError(err)
		return e
	}
	for _, s := range asked {
		switch {
		case s == oauth.ScopeOffline && (!r.code() || !c.Allows(oauth.GrantRefresh)):
		case c.Scopes.Has(s):
			r.Scopes = append(r.Scopes, s)
		case s == "address", s == "phone", s == oauth.ScopeOffline:
		default:
			return oauth.NewError(oauth.InvalidScope, "This application is not registered for the scope %s.", s)
		}
	}
	if r.has(oauth.ResponseIDToken) && !r.Scopes.Has(oauth.ScopeOpenID) {
		return oauth.NewError(oauth.InvalidRequest, "An ID token is given for the scope openid alone.")
	}
	return nil
}

// person reads what is said of who is to sign in and how the pages speak.
func person(r *Request, _ *client.Client, params url.Values) *oauth.Error {
	r.LoginHint, r.Locales = params.Get("login_hint"), strings.Fields(params.Get("ui_locales"))
	if len(r.LoginHint) > maxHint {
		r.LoginHint = ""
	}
	r.Prompt = strings.Fields(params.Get("prompt"))
	for _, p := range r.Prompt {
		if !slices.Contains([]string{promptNone, promptLogin, promptConsent, promptSelect}, p) {
			return oauth.NewError(oauth.InvalidRequest, "The prompt is none of none, login, consent and select_account.")
		}
	}
	if r.prompts(promptNone) && len(r.Prompt) > 1 {
		return oauth.NewError(oauth.InvalidRequest, "The prompt none stands alone.")
	}
	return nil
}

// freshness reads how recently and how surely the person must have shown who it
// is, and the nonce that shows how fresh the ID token is.
func freshness(r *Request, _ *client.Client, params url.Values) *oauth.Error {
	r.ACR = strings.Fields(params.Get("acr_values"))
	if age := params.Get("max_age"); age != "" {
		n, err := strconv.ParseUint(age, 10, 63)
		if err != nil || len(age) > maxAgeDigits {
			return oauth.NewError(oauth.InvalidRequest, "The max_age is no number of seconds.")
		}
		r.MaxAge = int64(n)
	}
	r.Nonce = params.Get("nonce")
	if len(r.Nonce) > maxNonce {
		return oauth.NewError(oauth.InvalidRequest, "The nonce is longer than %d bytes.", maxNonce)
	}
	if r.has(oauth.ResponseIDToken) && r.Nonce == "" {
		return oauth.NewError(oauth.InvalidRequest, "The nonce is missing, which ties the ID token to this request.")
	}
	return nil
}

func claims(r *Request, _ *client.Client, params url.Values) *oauth.Error {
	text := params.Get("claims")
	asked, err := oauth.ParseClaims(text)
	if err != nil {
		e, _ := oauth.AsError(err)
		return e
	}
	if text == "" {
		return nil
	}
	if r.Claims, err = json.Marshal(asked); err != nil {
		return oauth.NewError(oauth.InvalidRequest, "The parameter claims cannot be read.").Because(err)
	}
	r.Demanded = asked.IDToken["acr"].Demands()
	r.ACR = append(r.ACR, asked.IDToken["acr"].Wanted()...)
	for _, sub := range []*oauth.Claim{asked.IDToken["sub"], asked.UserInfo["sub"]} {
		if wanted := sub.Wanted(); len(wanted) > 0 {
			r.Subject = wanted[0]
		}
	}
	return nil
}

// resources reads what the tokens are to be for (RFC 8707).
func resources(r *Request, c *client.Client, params url.Values, issuer string) *oauth.Error {
	asked := params["resource"]
	if len(asked) > maxAudiences {
		return oauth.NewError(oauth.InvalidTarget, "More than %d resources are asked for at once.", maxAudiences)
	}
	for _, resource := range asked {
		if resource != issuer && !slices.Contains(c.Audiences, resource) {
			return oauth.NewError(oauth.InvalidTarget, "This application is not registered for the resource %.200s.", resource)
		}
		if !slices.Contains(r.Audiences, resource) {
			r.Audiences = append(r.Audiences, resource)
		}
	}
	return nil
}
