package token

import (
	"slices"

	"guildhall/identity/internal/oauth"
)

// target is whom the access token is for: the resources that the request names,
// if they are among those granted; else all that were. They must be registered
// still. None means what package mint says.
func (s *Service) target(r Request, granted []string) ([]string, error) {
	asked := r.Values["resource"]
	if len(asked) == 0 {
		asked = granted
	}
	registered := append(slices.Clone(r.Client.Audiences), s.o.Minter.Issuer)
	var list []string
	for _, resource := range asked {
		if len(granted) > 0 && !slices.Contains(granted, resource) || !slices.Contains(registered, resource) {
			return nil, oauth.NewError(oauth.InvalidTarget, "Not granted, or no longer registered: the resource %.200s.", resource)
		}
		if !slices.Contains(list, resource) {
			list = append(list, resource)
		}
	}
	return list, nil
}

// scopes reads the parameter scope; allowed are what there may be, and what there
// is when nothing is asked for.
func (r *Request) scopes(allowed oauth.Scopes) (oauth.Scopes, error) {
	asked, err := oauth.ParseScopes(r.Values.Get("scope"))
	if err != nil {
		return nil, err
	}
	return allowed.Narrow(asked)
}
