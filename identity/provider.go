package identity

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/clientauth"
	"guildhall/identity/internal/dpop"
	"guildhall/identity/internal/feed"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/signing"
	"guildhall/identity/internal/token"
	"guildhall/platform/fault"
	"guildhall/sdk/go/identity/revocation"
)

// providerOptions is what the endpoints of the provider stand on.
type providerOptions struct {
	// Issuer is the public address of identity, without final slash.
	Issuer string
	// Certified is the address at which applications are asked for their certificate.
	Certified string

	Tokens   *token.Service
	Clients  *clientauth.Desk
	Proofs   *dpop.Checker
	Requests *authorize.Service
	Keys     *signing.Desk
	Feed     *feed.Hub
	// Begins counts what public applications begin, by address.
	Begins *beginnings
	Log    *slog.Logger
}

// provider is the endpoints of OAuth 2.0 and OpenID Connect that programs call;
// those that people come to are pages.
type provider struct {
	providerOptions
	// here is the address at which the endpoints are called.
	here     string
	metadata []byte
}

func newProvider(o providerOptions) (*provider, error) {
	p := &provider{providerOptions: o, here: o.Issuer}
	var err error
	p.metadata, err = json.Marshal(p.discovery())
	return p, err
}

// Mount registers the endpoints.
func (p *provider) Mount(mux *http.ServeMux) {
	open := map[string]endpoint{
		"GET /.well-known/openid-configuration":       p.discover,
		"GET /.well-known/oauth-authorization-server": p.discover,
		"GET " + jwksPath:                             p.jwks,
		"POST " + tokenPath:                           p.token,
		"POST " + revokePath:                          p.revoke,
		"GET " + userinfoPath:                         p.userinfo,
		"POST " + userinfoPath:                        p.userinfo,
	}
	asked := map[string]bool{}
	for pattern, h := range open {
		mux.Handle(pattern, anyOrigin(p.answer(h)))
		_, path, _ := strings.Cut(pattern, " ")
		asked["OPTIONS "+path] = true
	}
	for pattern := range asked {
		mux.Handle(pattern, anyOrigin(http.HandlerFunc(preflight)))
	}
	mux.Handle("POST "+parPath, p.answer(p.push))
	mux.Handle("POST "+introspectPath, p.answer(p.introspect))
	mux.Handle("POST "+revocation.Path, p.answer(p.revocations))
	mux.Handle("POST "+devicePath, p.answer(p.beginDevice))
}

// MountCertified registers, on the host where applications are asked for their
// certificate, the endpoints that look at it: RFC 8705, 5. Applications in browsers
// have none of their own, so pages of other origins have no business there.
func (p *provider) MountCertified(mux *http.ServeMux) {
	there := *p
	there.here = p.Certified
	for pattern, h := range map[string]endpoint{
		"POST " + tokenPath:       there.token,
		"POST " + parPath:         there.push,
		"POST " + introspectPath:  there.introspect,
		"POST " + revocation.Path: there.revocations,
		"POST " + revokePath:      there.revoke,
		"POST " + devicePath:      there.beginDevice,
		"GET " + userinfoPath:     there.userinfo,
		"POST " + userinfoPath:    there.userinfo,
	} {
		mux.Handle(pattern, there.answer(h))
	}
}

// crossOrigin are the patterns that pages of other sites may send to: what
// applications in browsers call, which no cookie opens, and where they send people
// by a form, which only asks.
func crossOrigin() []string {
	return []string{"POST " + tokenPath, "POST " + revokePath, "POST " + userinfoPath, "POST " + authorizePath, "POST " + logoutPath}
}

// anyOrigin lets applications of every origin read the answers. They bring what
// opens the endpoint with them; a browser sends no cookies along (the origin is
// "*").
func anyOrigin(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate")
		h.ServeHTTP(w, r)
	})
}

// preflight answers a browser that asks before it sends.
func preflight(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
	w.Header().Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
}

// endpoint is a handler that answers with JSON. A nil answer has no body,
// and a created one its own status.
type endpoint func(w http.ResponseWriter, r *http.Request) (any, error)

// created is an answer that says that something is there now.
type created struct{ body any }

// answer writes what an endpoint returns. Caches keep nothing, unless it says
// otherwise.
func (p *provider) answer(h endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		body, err := h(w, r)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		if made, ok := body.(created); ok {
			write(w, http.StatusCreated, made.body)
			return
		}
		write(w, http.StatusOK, body)
	})
}

// write sends JSON; raw bytes as they are, and nothing for nil.
func write(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	text, raw := body.([]byte)
	if !raw {
		var err error
		if text, err = json.Marshal(body); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client is gone if this fails; there is nobody left to tell.
	_, _ = w.Write(text)
}

// refusal is the body of an error: RFC 6749, 5.2.
type refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// fail answers with an error in the protocol's form.
func (p *provider) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, e := statusOf(err)
	fault.SetRetryAfter(w.Header(), err)
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		p.Log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	if e.Code == oauth.InvalidClient && r.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="identity", charset="UTF-8"`)
	}
	if e.Code == oauth.InvalidDPoPProof && w.Header().Get("WWW-Authenticate") != "" {
		status = http.StatusUnauthorized // beside an access token: RFC 9449, 7.1
	}
	write(w, status, refusal{e.Code, e.Description})
}

// statusOf is how an error is answered.
func statusOf(err error) (int, *oauth.Error) {
	e, ours := oauth.AsError(err)
	if ours {
		switch f := fault.As(err); f.Kind {
		case fault.TooMany, fault.Unavailable:
			return f.Kind.Status(), oauth.NewError(oauth.TemporarilyUnavailable, "%s", f.Detail)
		}
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return http.StatusRequestEntityTooLarge, oauth.NewError(oauth.InvalidRequest, "The body has more than %d bytes.", tooLarge.Limit)
		}
		return http.StatusInternalServerError, e
	}
	switch e.Code {
	case oauth.InvalidClient, oauth.InvalidToken:
		return http.StatusUnauthorized, e
	case oauth.InsufficientScope:
		return http.StatusForbidden, e
	}
	return http.StatusBadRequest, e
}
