package identity

import (
	"net/http"
	"strconv"

	"guildhall/identity/internal/oauth"
	"guildhall/platform/fault"
	"guildhall/sdk/go/identity/revocation"
)

// revocations tells a resource server what was revoked since the number that it has
// reached, as package revocation describes.
func (p *provider) revocations(w http.ResponseWriter, r *http.Request) (any, error) {
	ask, err := p.request(w, r)
	if err != nil {
		return nil, err
	}
	// As with introspection: whoever tokens are for may know what became of them.
	if ask.Client.Public() || len(ask.Client.Resources) == 0 {
		return nil, oauth.NewError(oauth.UnauthorizedClient, "Only an application that shows who it is and has resources that tokens are for may follow revocations.")
	}
	after, err := strconv.ParseUint(ask.Values.Get("after"), 10, 64)
	if err != nil {
		return nil, oauth.NewError(oauth.InvalidRequest, "The parameter after must be the number of the last revocation known, or 0.")
	}
	lines, err := p.Feed.After(r.Context(), ask.Client.ID, after, revocation.MaxLines)
	if err != nil {
		if f := fault.As(err); f.Code == revocation.CodeWentBack {
			return nil, oauth.NewError(revocation.CodeWentBack, "%s", f.Detail)
		}
		return nil, err
	}
	return revocation.Answer{Lines: lines}, nil
}
