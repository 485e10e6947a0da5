package audit

import (
	"context"
	"database/sql"
	"log/slog"
	"maps"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// The actors that are no principal.
const (
	// System is the actor of what nobody asked for.
	System = "system"
	// Anonymous is the actor of what somebody asks for before it is known who
	// it is.
	Anonymous = "anonymous"
)

// Caller is who asks for something.
type Caller struct {
	// Actor is the id of a principal, or "peer:shop.guildhall.internal"; empty:
	// Anonymous.
	Actor string `json:"actor"`
	// Name is what people call an actor whose id does not tell them who it is, such
	// as that of a token. The entry's detail has it as "actor_name".
	Name string `json:"name,omitempty"`
	// From is the network address of the request; empty inside the process.
	From string `json:"from,omitempty"`
}

// As is the caller with another actor: once it is known who it is.
func (c Caller) As(actor string) Caller { return Caller{Actor: actor, From: c.From} }

// Journal is how a service writes what its callers do into its log. It is safe
// for concurrent use.
type Journal struct {
	DB    *db.DB
	Audit *Log
	Log   *slog.Logger
}

// Begin is the first statement of a transaction that knows only later what it
// has to record: from here to the commit nobody else writes, and Append may
// follow at any place.
func (j *Journal) Begin(ctx context.Context, tx *sql.Tx) error { return j.Audit.Append(ctx, tx) }

// Append records an action in the caller's transaction, as its first statement
// or after Begin.
func (j *Journal) Append(ctx context.Context, tx *sql.Tx, c Caller, action, subject string, detail map[string]any) error {
	if c.Actor == "" {
		c.Actor = Anonymous
	}
	if c.Name != "" {
		named := map[string]any{"actor_name": c.Name}
		maps.Copy(named, detail)
		detail = named
	}
	return j.Audit.Append(ctx, tx, Entry{Actor: c.Actor, Action: action, Subject: subject, From: c.From, Detail: detail})
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
