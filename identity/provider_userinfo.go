package identity

import (
	"net/http"
	"strings"

	"guildhall/identity/internal/jws"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/token"
)

// userinfo says who the person of an access token is: OpenID Connect Core, 5.3.
// What keeps it closed stands in WWW-Authenticate as well (RFC 6750, 3).
func (p *provider) userinfo(w http.ResponseWriter, r *http.Request) (any, error) {
	told, err := p.person(w, r)
	if err != nil {
		if e, ours := oauth.AsError(err); !ours {
			w.Header().Set("WWW-Authenticate", wwwAuthenticate(r, e))
		}
	}
	return told, err
}

func (p *provider) person(w http.ResponseWriter, r *http.Request) (any, error) {
	shown, dpop, err := accessToken(w, r)
	if err != nil {
		return nil, err
	}
	ask := token.Shown{Token: shown, X5T: thumbprint(r)}
	if dpop {
		if ask.JKT, err = p.proven(r, shown); err != nil {
			return nil, err
		}
		if ask.JKT == "" {
			return nil, oauth.NewError(oauth.InvalidDPoPProof, "The header DPoP with the proof is missing.")
		}
	}
	return p.Tokens.UserInfo(r.Context(), ask)
}

// errNoToken is told to whoever shows no token: it is not an error of RFC 6750.
var errNoToken = oauth.NewError(oauth.InvalidToken, "There is no access token in the header Authorization.")

// accessToken is the token of a request, and whether it is said to be bound to a
// key. One in the address is not looked at: addresses are logged.
func accessToken(w http.ResponseWriter, r *http.Request) (shown string, dpop bool, err error) {
	headers := r.Header.Values("Authorization")
	var inBody string
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "" {
		values, err := readForm(w, r)
		if err != nil {
			return "", false, err
		}
		inBody = values.Get("access_token")
	}
	switch {
	case len(headers) > 1, len(headers) == 1 && inBody != "":
		return "", false, oauth.NewError(oauth.InvalidRequest, "The access token is there more than once.")
	case inBody != "":
		return inBody, false, nil
	case len(headers) == 0:
		return "", false, errNoToken
	}
	scheme, shown, _ := strings.Cut(headers[0], " ")
	dpop = strings.EqualFold(scheme, "DPoP")
	if !dpop && !strings.EqualFold(scheme, "Bearer") || shown == "" {
		return "", false, errNoToken
	}
	return shown, dpop, nil
}

// wwwAuthenticate is the header for a refusal.
func wwwAuthenticate(r *http.Request, e *oauth.Error) string {
	algorithms := `algs="` + strings.Join(jws.Algorithms(), " ") + `"`
	if e == errNoToken {
		return `Bearer realm="identity", DPoP ` + algorithms
	}
	said := `error="` + e.Code + `", error_description="` + e.Description + `"`
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "DPoP") {
		return "DPoP " + said + ", " + algorithms
	}
	return `Bearer realm="identity", ` + said
}
