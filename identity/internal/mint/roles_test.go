package mint_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/signing"
	"guildhall/platform/audit"
	"guildhall/platform/guildtest"
)

// Roles are told to trusted applications alone, and to a service of ours only its
// own.
func TestRolesAreToldToWhomTheyConcern(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := identitytest.New(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	roles := role.New(role.Options{Store: w.Store, Journal: w.Journal, Known: []string{"ca.admin", "identity.viewer"}, Now: w.Clock.Now})
	log := slog.New(slog.DiscardHandler)
	keys := signing.New(signing.Options{Store: w.Store, Journal: w.Journal, Key: w.Key, Now: w.Clock.Now, Log: log})
	must(t, keys.Start(ctx))
	m := mint.Minter{Signing: keys, Accounts: w.Accounts, Roles: roles, Issuer: "https://identity.example.test", Now: w.Clock.Now,
		Clients: client.New(client.Options{DB: w.DB, Store: w.Store, Journal: w.Journal, Now: w.Clock.Now, Log: log})}
	a, _, err := w.Accounts.Create(ctx, account.CreateRequest{Email: "anna@example.com", Name: "Anna", By: identitytest.By})
	must(t, err)
	for _, r := range roles.Known() {
		must(t, roles.Give(ctx, r, role.Holder{Account: a.ID}, audit.Caller{Actor: "local:root"}))
	}
	for _, c := range []struct {
		client client.Client
		scopes oauth.Scopes
		want   []string
	}{
		{client.Client{ID: "guildhall-ca", Metadata: client.Metadata{Trusted: true}}, oauth.Scopes{oauth.ScopeRoles}, []string{"ca.admin"}},
		{client.Client{ID: "guildhall-c", Metadata: client.Metadata{Trusted: true}}, oauth.Scopes{oauth.ScopeRoles}, []string{}},
		{client.Client{ID: "app_1", Metadata: client.Metadata{Trusted: true}}, oauth.Scopes{oauth.ScopeRoles}, []string{"ca.admin", "identity.viewer"}},
		{client.Client{ID: "app_1", Metadata: client.Metadata{Trusted: true}}, oauth.Scopes{oauth.ScopeOpenID}, nil},
		{client.Client{ID: "app_1"}, oauth.Scopes{oauth.ScopeRoles}, []string{}},
	} {
		g := grant.Grant{Account: a.ID, Client: c.client.ID, Scopes: c.scopes}
		access, _, _, err := m.AccessToken(ctx, mint.Access{Grant: &g, Client: c.client, Scopes: c.scopes})
		must(t, err)
		id, err := m.IDToken(ctx, g, c.client, access, "")
		must(t, err)
		for _, token := range []string{access, id} {
			read, err := keys.Verify(ctx, token)
			must(t, err)
			var said struct {
				Roles []string `json:"roles"`
			}
			must(t, json.Unmarshal(read.Payload, &said))
			if !slices.Equal(said.Roles, c.want) {
				t.Errorf("%s with %s is told %q, not %q", c.client.ID, c.scopes, said.Roles, c.want)
			}
		}
	}
	proved, err := m.Claims(ctx, grant.Grant{Account: a.ID, Scopes: oauth.Scopes{oauth.ScopeEmail}})
	if err != nil || proved["email_verified"] != false {
		t.Errorf("an address from which no code came back: %v, %v", proved, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
