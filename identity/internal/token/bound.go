package token

import (
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
)

// keys wants the keys that the client's tokens must be bound to.
func (r *Request) keys() error {
	if r.Client.DPoPBound && r.JKT == "" {
		return oauth.NewError(oauth.InvalidDPoPProof, "The tokens of this application are bound to a key: send a proof of it in the header DPoP (RFC 9449).")
	}
	if r.Client.TLSBound && r.X5T == "" {
		return oauth.NewError(oauth.InvalidRequest, "The tokens of this application are bound to its certificate, and the connection has none (RFC 8705).")
	}
	return nil
}

// certificate is what the access token is bound to. A certificate alone does not
// say that tokens shall be; registration does.
func (r *Request) certificate() string {
	if r.Client.TLSBound {
		return r.X5T
	}
	return ""
}

// bind binds a new grant's refresh tokens to the keys of this request. A
// confidential client's are bound to the client itself, which can change its key
// (RFC 9449, 5).
func (r *Request) bind(g *grant.Grant) error {
	g.JKT, g.X5T = "", ""
	if r.Client.Public() {
		g.JKT, g.X5T = r.JKT, r.certificate()
	}
	return nil
}

// holds says whether the request has the keys that the grant is bound to.
func (r *Request) holds(g *grant.Grant) error {
	if g.JKT != "" && g.JKT != r.JKT {
		return oauth.NewError(oauth.InvalidGrant, "What was granted is bound to a key. Send a proof of that very key in the header DPoP.")
	}
	if g.X5T != "" && g.X5T != r.X5T {
		return oauth.NewError(oauth.InvalidGrant, "What was granted is bound to a certificate. Connect with that very certificate.")
	}
	return nil
}
