package license

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
	adminRole   = "license.admin"   // products, policies, batches and keys
	supportRole = "license.support" // what is done to cards
	viewerRole  = "license.viewer"  // looks
)

// rights is what each role adds to the ones below it: operations of the API by their
// ids. What is not here is the administrators' alone. Pages are in byRole.
func rights() map[string][]string {
	return map[string][]string{
		viewerRole: {
			"list-products", "get-product", "list-releases", "list-release-files", "list-policies", "get-policy", "list-customers", "get-customer", "list-batches", "get-batch",
			"list-cards", "find-card", "get-card", "list-environments", "list-events", "list-mismatches",
			"list-functions", "get-function",
			"list-alarms",
			"list-signing-keys", "get-key-set", "list-licences", "get-licence",
		},
		supportRole: {
			"update-card", "suspend-card", "resume-card", "revoke-card", "extend-card", "unbind-card", "bin-card", "restore-card", "act-on-cards", "set-card-modules",
			"acknowledge-alarm",
			"create-customer", "update-customer",
			"get-licence-text", "update-licence",
		},
	}
}

// recent is how recently who takes the keys of cards must have shown who he is.
func recent() session.Recent { return session.Recent{Within: 10 * time.Minute, ACR: "aal1"} }

// needs is the least role for an operation.
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
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[app.Needs] = needs(op.OperationID)
	app.Register(api, op, handler, codes...)
}
