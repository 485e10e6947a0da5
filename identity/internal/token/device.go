package token

import (
	"context"

	"guildhall/identity/internal/device"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
)

// BeginDevice gives a device of an authenticated client its codes: RFC 8628, 3.1.
func (s *Service) BeginDevice(ctx context.Context, r Request) (device.Code, error) {
	if !r.Client.Allows(oauth.GrantDevice) {
		return device.Code{}, oauth.NewError(oauth.UnauthorizedClient, "The application is not registered for the grant_type %s.", oauth.GrantDevice)
	}
	scopes, err := r.registered()
	if err != nil {
		return device.Code{}, err
	}
	audiences, err := s.target(r, nil)
	if err != nil {
		return device.Code{}, err
	}
	return s.o.Devices.Begin(ctx, r.Client.ID, scopes, audiences, r.By)
}

// registered reads the parameter scope, of which all must be registered. Nothing
// asked for is nothing.
func (r *Request) registered() (oauth.Scopes, error) {
	asked, err := oauth.ParseScopes(r.Values.Get("scope"))
	if err != nil {
		return nil, err
	}
	if more := asked.Beyond(r.Client.Scopes); len(more) > 0 {
		return nil, oauth.NewError(oauth.InvalidScope, "The application is not registered for: %s.", more)
	}
	return asked, nil
}

// device is a device's question whether its person has decided: RFC 8628, 3.4.
func (s *Service) device(ctx context.Context, r Request) (Response, error) {
	code := r.Values.Get("device_code")
	if code == "" {
		return Response{}, oauth.NewError(oauth.InvalidRequest, "The parameter device_code is missing.")
	}
	bind := func(g *grant.Grant) error {
		if _, err := s.target(r, g.Audiences); err != nil {
			return err
		}
		return r.bind(g)
	}
	g, refresh, err := s.o.Devices.Redeem(ctx, code, r.Client.ID, life(&r.Client), bind, r.By)
	if err != nil {
		return Response{}, err
	}
	return s.answer(ctx, r, &g, g.Scopes, refresh)
}
