package token

import (
	"context"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/platform/audit"
)

// Begin makes the first tokens of a grant to the application c, without a request of
// its own: identity has asked the person itself who it is.
func (s *Service) Begin(ctx context.Context, g grant.Grant, c client.Client, by audit.Caller) (Response, error) {
	g, refresh, err := s.o.Grants.Issue(ctx, g, life(&c), by)
	if err != nil {
		return Response{}, err
	}
	return s.answer(ctx, Request{Client: c, By: by}, &g, g.Scopes, refresh)
}
