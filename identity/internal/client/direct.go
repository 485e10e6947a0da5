package client

import (
	"context"

	"guildhall/identity/internal/oauth"
	"guildhall/platform/audit"
)

// DirectID is the application that people use who sign in by JSON, at identity
// itself: it is a part of identity.
const DirectID = OwnPrefix + "identity"

// RegisterDirect makes the application DirectID, or brings it up to date. Nobody can
// come to the token endpoint in its name: it is known by the certificate of identity
// itself, whose name is certified. One that an administrator has disabled stays so.
func (d *Desk) RegisterDirect(ctx context.Context, certified string) (Client, error) {
	return d.keep(ctx, DirectID, Metadata{Name: "identity", Kind: Native, Method: oauth.MethodTLS, TLSSubjectDNS: certified,
		GrantTypes: []string{oauth.GrantPassword, oauth.GrantRefresh}, Scopes: oauth.Scopes{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail}, Trusted: true},
		audit.Caller{Actor: audit.System})
}
