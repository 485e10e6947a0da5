// Package journal writes what identity does into its audit log.
//
// The log cannot forget, so it holds no e-mail address and no name: accounts are
// called by their ids, which say nothing once the account is deleted.
package journal

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// The actions of the audit log.
const (
	AccountCreated   = "account.created"
	AccountDeleted   = "account.deleted"
	ProfileChanged   = "account.profile_changed"
	EmailChanged     = "account.email_changed"
	PasswordChanged  = "account.password_changed"
	PasswordReset    = "account.password_reset"
	PasswordRefused  = "account.password_refused"
	SignedIn         = "sign_in.succeeded"
	SignInRefused    = "sign_in.refused"
	CodeRequested    = "code.requested"
	CodeSent         = "code.sent"
	CodeWithheld     = "code.withheld"
	CodeRefused      = "code.refused"
	Locked           = "attempts.locked"
	Unlocked         = "attempts.unlocked"
	SessionStarted   = "session.started"
	SessionRaised    = "session.raised"
	SessionEnded     = "session.ended"
	SessionsEnded    = "session.all_ended"
	FactorRefused    = "factor.refused"
	TOTPAdded        = "factor.totp_added"
	TOTPRemoved      = "factor.totp_removed"
	RecoveryMade     = "factor.recovery_made"
	RecoveryUsed     = "factor.recovery_used"
	PasskeyAdded     = "factor.passkey_added"
	PasskeyRenamed   = "factor.passkey_renamed"
	PasskeyRemoved   = "factor.passkey_removed"
	PasskeySuspected = "factor.passkey_suspected"
)

// Actions are all of them, by name.
func Actions() []string {
	return []string{AccountCreated, AccountDeleted, EmailChanged, PasswordChanged, PasswordRefused, PasswordReset, ProfileChanged,
		Locked, Unlocked, CodeRefused, CodeRequested, CodeSent, CodeWithheld,
		PasskeyAdded, PasskeyRemoved, PasskeyRenamed, PasskeySuspected, RecoveryMade, RecoveryUsed, FactorRefused, TOTPAdded, TOTPRemoved,
		SessionsEnded, SessionEnded, SessionRaised, SessionStarted, SignInRefused, SignedIn}
}

// The actors that are no account.
const (
	// System is the actor of what nobody asked for.
	System = "system"
	// Anonymous is the actor of what somebody asks for before he is signed in.
	Anonymous = "anonymous"
)

// Caller is who asks for something.
type Caller struct {
	// Actor is the id of an account, or "break-glass:..."; empty: Anonymous.
	Actor string
	// From is the network address of the request; empty inside the process.
	From string
}

// As is the caller with another actor: once it is known who it is.
func (c Caller) As(actor string) Caller { return Caller{Actor: actor, From: c.From} }

// Journal appends to the audit log. It is safe for concurrent use.
type Journal struct {
	DB    *db.DB
	Audit *audit.Log
	Log   *slog.Logger
}

// Options is what Open needs; all of it.
type Options struct {
	DB *db.DB
	// Key is a secret of 32 bytes that makes the log's signing key, and KeyID
	// names it: seal.Key's Derive("audit") and ID.
	Key   []byte
	KeyID string
	Now   func() time.Time
	Log   *slog.Logger
	// Begun says whether there is something that the log must have recorded.
	Begun func(ctx context.Context, tx *sql.Tx) (bool, error)
}

// Open makes the audit log and brings its tables up to date.
func Open(ctx context.Context, o Options) (*Journal, error) {
	if len(o.Key) != ed25519.SeedSize {
		return nil, fmt.Errorf("the key of the audit log has %d bytes and not %d", len(o.Key), ed25519.SeedSize)
	}
	log, err := audit.New(audit.Options{DB: o.DB, Name: "guildhall-identity-" + o.KeyID + "/audit",
		Key: ed25519.NewKeyFromSeed(o.Key), Now: o.Now, Begun: o.Begun})
	if err != nil {
		return nil, err
	}
	if err := log.Migrate(ctx); err != nil {
		return nil, err
	}
	return &Journal{DB: o.DB, Audit: log, Log: o.Log}, nil
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
