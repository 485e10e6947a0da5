package identity

import "guildhall/sdk/go/api"

// What this client shares with those of the other services.
type (
	// Options say how to reach the service.
	Options = api.Options
	// Problem is an error of the service: a problem document (RFC 9457).
	Problem = api.Problem
	// AuditRequest chooses rows of the audit log.
	AuditRequest = api.AuditRequest
	// AuditVerifyRequest asks to verify the whole log.
	AuditVerifyRequest = api.AuditVerifyRequest
)

// Client calls an identity service. It is safe for concurrent use.
type Client struct{ *api.Client }

// New makes a client.
func New(o Options) *Client { return &Client{api.New(o)} }
