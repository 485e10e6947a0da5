package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"guildhall/identity/internal/clientauth"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/token"
	"guildhall/platform/web"
)

// maxForm bounds the body of a request, in bytes.
const maxForm = 64 << 10

// request reads a request of an application: its form, who it is, and the keys
// that it has.
func (p *provider) request(w http.ResponseWriter, r *http.Request) (token.Request, error) {
	values, err := readForm(w, r)
	if err != nil {
		return token.Request{}, err
	}
	shown, err := presented(r, values)
	if err != nil {
		return token.Request{}, err
	}
	c, err := p.Clients.Authenticate(r.Context(), shown, []string{p.Issuer, p.here + r.URL.Path, p.here + tokenPath})
	if err != nil {
		return token.Request{}, err
	}
	// Behind this line nobody has a use for the credentials.
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		values.Del(name)
	}
	jkt, err := p.proven(r, "")
	return token.Request{Values: values, Client: c, JKT: jkt, X5T: thumbprint(r), By: stranger(r).As(c.ID)}, err
}

// readForm reads the body, in which each parameter is once but resource (RFC
// 8707). One without a value is as if it were not there (RFC 6749, 3.2).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, oauth.NewError(oauth.InvalidRequest, "Send the parameters in the body, as application/x-www-form-urlencoded.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if statusTooLarge(err) {
			return nil, err
		}
		return nil, oauth.NewError(oauth.InvalidRequest, "The body is no form as application/x-www-form-urlencoded writes it.").Because(err)
	}
	values := r.PostForm
	for name, list := range values {
		if len(list) > 1 && name != "resource" {
			return nil, oauth.NewError(oauth.InvalidRequest, "The parameter %.40s is there more than once.", name)
		}
		if strings.Join(list, "") == "" {
			values.Del(name)
		}
	}
	if !readable(values) {
		return nil, oauth.NewError(oauth.InvalidRequest, "The body holds bytes that are not text (UTF-8), or NUL.")
	}
	return values, nil
}

// readable says whether a form is text, as package web wants the address to be.
func readable(form url.Values) bool {
	for name, list := range form {
		if !web.Readable(name) || slices.ContainsFunc(list, func(value string) bool { return !web.Readable(value) }) {
			return false
		}
	}
	return true
}

func statusTooLarge(err error) bool {
	status, _ := statusOf(err)
	return status == http.StatusRequestEntityTooLarge
}

// presented is what an application shows of itself.
func presented(r *http.Request, values url.Values) (clientauth.Presented, error) {
	shown := clientauth.Presented{ClientID: values.Get("client_id"), Secret: values.Get("client_secret"),
		Assertion: values.Get("client_assertion"), AssertionType: values.Get("client_assertion_type"), By: stranger(r)}
	if r.TLS != nil {
		shown.Certificates = r.TLS.PeerCertificates
	}
	if len(r.Header.Values("Authorization")) == 0 {
		return shown, nil
	}
	id, secret, ok := r.BasicAuth()
	if ok {
		// Both are encoded as in a form before they are put together: RFC 6749, 2.3.1.
		var err, also error
		id, err = url.QueryUnescape(id)
		secret, also = url.QueryUnescape(secret)
		ok = err == nil && also == nil
	}
	if !ok || len(r.Header.Values("Authorization")) > 1 {
		return shown, oauth.NewError(oauth.InvalidClient, "The header Authorization is not client_id and client_secret as RFC 6749, 2.3.1 writes them.")
	}
	shown.Basic = &clientauth.Basic{ID: id, Secret: secret}
	return shown, nil
}

// proven is the thumbprint of the key that the request's DPoP proof was made with;
// empty when there is none.
func (p *provider) proven(r *http.Request, accessToken string) (string, error) {
	proofs := r.Header.Values("DPoP")
	switch len(proofs) {
	case 0:
		return "", nil
	case 1:
		return p.Proofs.Check(r.Context(), proofs[0], r.Method, p.here+r.URL.Path, accessToken)
	}
	return "", oauth.NewError(oauth.InvalidDPoPProof, "The header DPoP is there more than once.")
}

// thumbprint is that of the connection's certificate (RFC 8705, 3.1); empty when
// there is none.
func thumbprint(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
