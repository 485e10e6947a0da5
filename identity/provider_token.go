package identity

import (
	"net/http"

	"guildhall/identity/internal/oauth"
)

// The paths of the endpoints.
const (
	authorizePath  = "/oauth2/authorize"
	tokenPath      = "/oauth2/token"
	parPath        = "/oauth2/par"
	introspectPath = "/oauth2/introspect"
	revokePath     = "/oauth2/revoke"
	userinfoPath   = "/oauth2/userinfo"
	devicePath     = "/oauth2/device_authorization"
	jwksPath       = "/oauth2/jwks"
	logoutPath     = "/oauth2/logout"
)

// token is the token endpoint: RFC 6749, 3.2.
func (p *provider) token(w http.ResponseWriter, r *http.Request) (any, error) {
	ask, err := p.request(w, r)
	if err != nil {
		return nil, err
	}
	return p.Tokens.Exchange(r.Context(), ask)
}

// introspect says what a token is worth: RFC 7662.
func (p *provider) introspect(w http.ResponseWriter, r *http.Request) (any, error) {
	ask, err := p.request(w, r)
	if err != nil {
		return nil, err
	}
	if !ask.Values.Has("token") {
		return nil, oauth.NewError(oauth.InvalidRequest, "The parameter token is missing.")
	}
	return p.Tokens.Introspect(r.Context(), ask.Values.Get("token"), ask.Client)
}

// revoke takes a token back: RFC 7009.
func (p *provider) revoke(w http.ResponseWriter, r *http.Request) (any, error) {
	ask, err := p.request(w, r)
	if err != nil {
		return nil, err
	}
	if !ask.Values.Has("token") {
		return nil, oauth.NewError(oauth.InvalidRequest, "The parameter token is missing.")
	}
	return nil, p.Tokens.Revoke(r.Context(), ask.Values.Get("token"), ask.Client, ask.By)
}

// pushed is the answer to a pushed request: RFC 9126, 2.2.
type pushed struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

// push keeps an authorization request: RFC 9126. A proof that comes with it binds
// the code to its key (RFC 9449, 10.1).
func (p *provider) push(w http.ResponseWriter, r *http.Request) (any, error) {
	ask, err := p.request(w, r)
	if err != nil {
		return nil, err
	}
	if err := p.mayBegin(r, ask.Client); err != nil {
		return nil, err
	}
	if ask.JKT != "" {
		if said := ask.Values.Get("dpop_jkt"); said != "" && said != ask.JKT {
			return nil, oauth.NewError(oauth.InvalidRequest, "The dpop_jkt is of another key than the proof in the header DPoP.")
		}
		ask.Values.Set("dpop_jkt", ask.JKT)
	}
	uri, life, err := p.Requests.Push(r.Context(), ask.Client, ask.Values)
	if err != nil {
		return nil, err
	}
	return created{pushed{uri, int64(life.Seconds())}}, nil
}

// deviceAnswer is what a device gets: RFC 8628, 3.2.
type deviceAnswer struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	// VerificationURI is where its person types the code; in the complete one it is
	// typed already.
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
}

// beginDevice gives a device its codes: RFC 8628, 3.1.
func (p *provider) beginDevice(w http.ResponseWriter, r *http.Request) (any, error) {
	ask, err := p.request(w, r)
	if err != nil {
		return nil, err
	}
	if err := p.mayBegin(r, ask.Client); err != nil {
		return nil, err
	}
	c, err := p.Tokens.BeginDevice(r.Context(), ask)
	if err != nil {
		return nil, err
	}
	page := p.Issuer + "/device"
	return deviceAnswer{c.DeviceCode, c.UserCode, page, page + "?user_code=" + c.UserCode, int64(c.ExpiresIn.Seconds()), int64(c.Interval.Seconds())}, nil
}
