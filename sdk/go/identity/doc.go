// Package identity is the client of guildhall's identity service: the part of its
// REST API under /api/v1 with which administrators keep applications, the keys that
// sign tokens, and the audit log. It uses the standard library alone.
//
//	client := identity.New(identity.Options{URL: "https://identity.guildhall.example", Token: token, Roots: pool})
//	made, err := client.CreateApplication(ctx, identity.Metadata{Kind: "web", Name: "Shop", RedirectURIs: []string{"https://shop.example.com/callback"}})
//
// Verifier verifies access tokens by the published keys, Credentials gets them; package
// revocation verifies them by what was revoked, too.
//
// Errors of the service are *Problem; its Code is stable.
package identity
