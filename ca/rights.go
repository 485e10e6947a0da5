package ca

import (
	"context"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/app"
	"guildhall/platform/session"
)

// Whoever is one of these may do what the ones below him may.
const (
	adminRole    = "ca.admin"    // lets services join, and reads the audit log
	operatorRole = "ca.operator" // issues, renews and revokes
	viewerRole   = "ca.viewer"   // looks
)

// rights is what each role adds to the ones below it: operations of the API by their
// ids, and pages by their patterns. What is not here is the administrators' alone.
func rights() map[string][]string {
	return map[string][]string{
		viewerRole: {
			"list-certificates", "get-certificate", "download-certificate", "verify-certificate", "verify-certificate-alias",
			"GET /{$}", "GET /certificates", "GET /certificates/{id}", "GET /certificates/{id}/download/{format}",
			"GET /verify", "POST /verify", "GET /revocations",
		},
		operatorRole: {
			"issue-certificate", "issue-certificate-alias", "renew-certificate", "revoke-certificate", "download-pkcs12",
			"GET /certificates/new", "POST /certificates/new", "POST /certificates/{id}/key",
			"GET /certificates/{id}/pkcs12", "POST /certificates/{id}/pkcs12",
			"GET /certificates/{id}/renew", "POST /certificates/{id}/renew", "POST /certificates/{id}/revoke",
		},
		adminRole: {
			"create-join-token", "list-join-tokens", "withdraw-join-token", "list-audit", "verify-audit", "export-audit",
			"GET /tokens", "POST /tokens", "POST /tokens/{id}/withdraw",
			"GET /audit", "POST /audit/verify", "GET /audit/export",
		},
	}
}

// recent is how recently who lets a service join, or takes away a key that is kept
// here, must have shown who he is.
func recent() session.Recent { return session.Recent{Within: 10 * time.Minute, ACR: "aal1"} }

// needs is the least role for an operation or a page.
func needs(what string) string {
	for role, all := range rights() {
		if slices.Contains(all, what) {
			return role
		}
	}
	return adminRole
}

// register registers an operation for those whom rights names.
func register[I, O any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error), codes ...int) {
	op.Metadata = map[string]any{app.Needs: needs(op.OperationID)}
	app.Register(api, op, handler, codes...)
}
