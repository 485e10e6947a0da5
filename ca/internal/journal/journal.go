// Package journal writes what the authority does into the audit log.
package journal

import (
	"context"
	"database/sql"
	"log/slog"

	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// The actions of the audit log.
const (
	Created            = "authority.created"
	Issued             = "certificate.issued"
	IssueRefused       = "certificate.issue_refused"
	Renewed            = "certificate.renewed"
	RenewRefused       = "certificate.renew_refused"
	Revoked            = "certificate.revoked"
	RevokeRefused      = "certificate.revoke_refused"
	Expiring           = "certificate.expiring"
	VerificationFailed = "certificate.verification_failed"
	KeyExported        = "certificate.key_exported"
	TokenCreated       = "join_token.created"
	TokenRefused       = "join_token.refused"
	TokenWithdrawn     = "join_token.withdrawn"
)

// Actions are all of them, by name.
func Actions() []string {
	return []string{Created, Expiring, IssueRefused, Issued, KeyExported, RenewRefused, Renewed, RevokeRefused, Revoked, VerificationFailed,
		TokenCreated, TokenRefused, TokenWithdrawn}
}

// System is the actor of what nobody asked for.
const System = "system"

// Caller is who asks for something.
type Caller struct {
	// Actor is the id of a principal, or "peer:shop.guildhall.internal".
	Actor string
	// From is the network address of the request; empty inside the process.
	From string
}

// Journal appends to the audit log. It is safe for concurrent use.
type Journal struct {
	DB    *db.DB
	Audit *audit.Log
	Log   *slog.Logger
}

// Append records an action in the caller's transaction, as its first statement.
func (j *Journal) Append(ctx context.Context, tx *sql.Tx, c Caller, action, subject string, detail map[string]any) error {
	return j.Audit.Append(ctx, tx, audit.Entry{Actor: c.Actor, Action: action, Subject: subject, From: c.From, Detail: detail})
}

// Record is Append in a transaction of its own.
func (j *Journal) Record(ctx context.Context, c Caller, action, subject string, detail map[string]any) error {
	return j.DB.Group(ctx, func(tx *sql.Tx) error { return j.Append(ctx, tx, c, action, subject, detail) })
}

// Refused records that something was asked for and refused, and returns the
// reason as it is. Failures of our own (a full disk) are no refusals. When the
// record fails the log says so: the caller is refused all the same.
func (j *Journal) Refused(ctx context.Context, c Caller, action, subject string, reason error) error {
	f := fault.As(reason)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return reason
	}
	// The client may be gone; that it asked is recorded nevertheless.
	err := j.Record(context.WithoutCancel(ctx), c, action, subject, map[string]any{"code": f.Code, "why": f.Detail})
	if err != nil {
		j.Log.ErrorContext(ctx, "a refusal was not recorded in the audit log", "action", action, "err", err)
	}
	return reason
}
