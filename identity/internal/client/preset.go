package client

import (
	"slices"

	"guildhall/identity/internal/oauth"
	"guildhall/platform/fault"
)

// Preset is the metadata that fits an application of the kind; the caller adds
// name and redirect URIs and changes what he needs.
func Preset(kind string) (Metadata, error) {
	m := Metadata{Kind: kind, Method: oauth.MethodNone, GrantTypes: []string{oauth.GrantCode, oauth.GrantRefresh},
		ResponseTypes: []string{oauth.ResponseCode},
		Scopes:        oauth.Scopes{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopeOffline}}
	switch kind {
	case Web:
		m.Method = oauth.MethodBasic
	case SPA, Native:
	case Device:
		m.GrantTypes, m.ResponseTypes = []string{oauth.GrantDevice, oauth.GrantRefresh}, nil
	case Service:
		m.Method, m.GrantTypes, m.ResponseTypes, m.Scopes = oauth.MethodBasic, []string{oauth.GrantClientCredentials}, nil, nil
	default:
		return Metadata{}, fault.Fields(badKind())
	}
	return m, nil
}

func badKind() fault.Field {
	return fault.Field{Name: "kind", Code: "unknown", Detail: "The kind is one of web, spa, native, device, service.",
		Args: map[string]any{"kinds": slices.Clone(Kinds())}}
}
