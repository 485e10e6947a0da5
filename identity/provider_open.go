package identity

import (
	"context"

	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/clientauth"
	"guildhall/identity/internal/device"
	"guildhall/identity/internal/dpop"
	"guildhall/identity/internal/feed"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/logout"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/signing"
	"guildhall/identity/internal/token"
	"guildhall/platform/app"
	"guildhall/platform/seal"
)

// openProvider wires the parts of the provider: what ends a session or an
// application ends what was granted, in the same transaction.
func (s *service) openProvider(ctx context.Context, env app.Env, key seal.Key) (err error) {
	issuer := env.PublicURL(Name)
	s.begins = newBeginnings(env)
	s.keys = signing.New(signing.Options{Store: s.store, Journal: s.journal, Key: key, Now: env.Now, Log: env.Log})
	if err := s.keys.Start(ctx); err != nil {
		return err
	}
	s.clients = client.New(client.Options{DB: env.DB, Store: s.store, Journal: s.journal, Now: env.Now, Log: env.Log, Development: !env.Production})
	s.grants = grant.New(grant.Options{Store: s.store, Journal: s.journal, Key: key, Sessions: s.sessions, Now: env.Now, Log: env.Log})
	s.feed = feed.New(feed.Options{Store: s.store, Signing: s.keys, Issuer: issuer, Now: env.Now, Log: env.Log})
	s.clients.OnRevoke, s.sessions.Ended = s.grants.ClientEnded, s.sessionsEnded
	s.devices = device.New(device.Options{DB: env.DB, Store: s.store, Journal: s.journal, Grants: s.grants, Gate: s.gate, Key: key, Now: env.Now, Log: env.Log})
	minter := &mint.Minter{Signing: s.keys, Accounts: s.accounts, Roles: s.roles, Clients: s.clients, Issuer: issuer, Now: env.Now}
	s.logout = logout.New(logout.Options{Clients: s.clients, Grants: s.grants, Minter: minter, Jobs: env.Jobs, Key: key, Post: postLogout(env.Roots, logoutTimeout), Now: env.Now})
	s.requests = authorize.New(authorize.Options{DB: env.DB, Store: s.store, Journal: s.journal, Clients: s.clients, Grants: s.grants,
		Minter: minter, Issuer: issuer, Now: env.Now, Log: env.Log})
	s.provider, err = newProvider(providerOptions{Issuer: issuer, Certified: env.CertifiedURL, Requests: s.requests, Keys: s.keys, Feed: s.feed, Begins: s.begins, Log: env.Log,
		Tokens: token.New(token.Options{Grants: s.grants, Devices: s.devices, Accounts: s.accounts, Factors: s.factors, Minter: minter, Now: env.Now, Log: env.Log}),
		Proofs: &dpop.Checker{Once: s.grants.Once, Now: env.Now},
		Clients: clientauth.New(clientauth.Options{DB: env.DB, Journal: s.journal, Clients: s.clients, Gate: s.gate, Once: s.grants.Once,
			VerifyCertificate: env.VerifyClient, Now: env.Now, Log: env.Log})})
	return err
}
