package manage

import (
	"context"
	"net/http"

	"guildhall/sdk/go/api"
)

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

// Client calls a service license. It is safe for concurrent use.
type Client struct{ *api.Client }

// New makes a client.
func New(o Options) *Client { return &Client{api.New(o)} }

// get reads what is at a path.
func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	return api.Call[T](ctx, c.Client, http.MethodGet, path, nil)
}

// post makes or does something.
func post[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	return api.Call[T](ctx, c.Client, http.MethodPost, path, body)
}

// put changes what is at a path.
func put[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	return api.Call[T](ctx, c.Client, http.MethodPut, path, body)
}
