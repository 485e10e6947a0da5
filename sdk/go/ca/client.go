package ca

import "guildhall/sdk/go/api"

// What this client shares with those of the other services.
type (
	// Options say how to reach an authority.
	Options = api.Options
	// Problem is an error of the authority: a problem document (RFC 9457).
	Problem = api.Problem
	// Field is one wrong part of a request.
	Field = api.Field
	// AuditEntry is one row of the audit log.
	AuditEntry = api.AuditEntry
	// AuditRequest chooses rows of the audit log.
	AuditRequest = api.AuditRequest
	// AuditList is one page of the log, newest first.
	AuditList = api.AuditList
	// AuditVerifyRequest asks to verify the whole log.
	AuditVerifyRequest = api.AuditVerifyRequest
	// AuditFinding is something wrong with the log.
	AuditFinding = api.AuditFinding
	// AuditReport is the outcome of a verification.
	AuditReport = api.AuditReport
)

// Client calls an authority. It is safe for concurrent use.
type Client struct{ *api.Client }

// New makes a client.
func New(o Options) *Client { return &Client{api.New(o)} }
