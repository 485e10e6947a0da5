package grant

import (
	"context"
	"database/sql"
	"time"

	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/platform/audit"
)

// IssueCode begins a grant, which the audit log records, and makes the code for
// it. Its id and times and the code's are filled in. The session, if there is one,
// lives and the account is active, else ErrSignedOut.
func (d *Desk) IssueCode(ctx context.Context, g Grant, c Code, by audit.Caller) (code string, _ Grant, err error) {
	panic("todo")
}

// RedeemCode turns a code into its grant, once, and into the first refresh token
// of the family unless life.Idle is 0.
//
// check looks at the client, redirect_uri, PKCE and bindings, and may set JKT and
// X5T. It runs before anything is used up: a wrong try uses nothing. A second
// redemption that passes it revokes the grant. Otherwise the error is ErrCode or
// check's.
func (d *Desk) RedeemCode(ctx context.Context, code string, check func(*Grant, Code) error, life RefreshLife, by audit.Caller) (g Grant, refresh string, err error) {
	panic("todo")
}

// Issue begins a grant without a code, which the audit log records.
func (d *Desk) Issue(ctx context.Context, g Grant, life RefreshLife, by audit.Caller) (_ Grant, refresh string, err error) {
	panic("todo")
}

// IssueIn is Issue in the caller's transaction, which began with the journal.
func (d *Desk) IssueIn(ctx context.Context, tx *sql.Tx, g Grant, life RefreshLife, by audit.Caller) (_ Grant, refresh string, err error) {
	panic("todo")
}

// Refresh replaces a refresh token. check runs before anything changes. Within
// the grace window all who present a replaced token get the same good one; after
// it the family is revoked and that is recorded. A grant that is bound to its
// session is use of the session. The error is ErrRefresh or check's.
func (d *Desk) Refresh(ctx context.Context, token string, check func(Grant) error, life RefreshLife, by audit.Caller) (g Grant, next string, err error) {
	panic("todo")
}

// ByRefresh is the live grant of a refresh token that is good now, and when the
// token ends unless it is used; else ErrRefresh. It changes nothing.
func (d *Desk) ByRefresh(ctx context.Context, token string) (g Grant, expires time.Time, err error) {
	panic("todo")
}

// Live is a grant that is not revoked, not over, whose account is active and whose
// session lives unless it is offline; else ErrOver.
func (d *Desk) Live(ctx context.Context, id string) (Grant, error) { panic("todo") }

// Revoked says whether an access token is worth nothing although it is not over:
// it, its client or its grant was revoked, or its grant does not live (see Live).
// grantID is empty for tokens of client credentials.
func (d *Desk) Revoked(ctx context.Context, jti, grantID, clientID string, issued time.Time) (bool, error) {
	panic("todo")
}

// Revoke ends a grant and records why (one of the constants). A grant that is over
// or unknown is no error.
func (d *Desk) Revoke(ctx context.Context, id, why string, by audit.Caller) error { panic("todo") }

// RevokeRefresh revokes the grant of a refresh token of the client, also by one
// that was replaced. False means that it is no refresh token of this client's.
func (d *Desk) RevokeRefresh(ctx context.Context, token, client string, by audit.Caller) (bool, error) {
	panic("todo")
}

// RevokeAccess revokes one access token, which ends at until. It is not recorded
// in the audit log: a client may do so with each of its tokens.
func (d *Desk) RevokeAccess(ctx context.Context, jti string, until time.Time, by audit.Caller) error {
	panic("todo")
}

// SessionsEnded ends what ends with sessions, in the transaction that ended them,
// which began with the journal: it is session.Desk's Ended. With e.All, all that
// the account has allowed ends, but for what was allowed in the session e.Except.
func (d *Desk) SessionsEnded(ctx context.Context, tx *sql.Tx, e session.Ended) error { panic("todo") }

// ClientEnded ends all grants and tokens of a client, in the caller's transaction,
// which began with the journal and has recorded why.
func (d *Desk) ClientEnded(ctx context.Context, tx *sql.Tx, client string) error { panic("todo") }

// InSessions are the grants begun in the sessions, the offline ones too, that are not
// revoked, in the caller's transaction: whom back-channel logout tells. Called in
// session.Desk's Ended before SessionsEnded.
func (d *Desk) InSessions(ctx context.Context, tx *sql.Tx, sessions []string) ([]Grant, error) {
	panic("todo")
}

// OfSession are the grants begun in the session that are not revoked, the last
// first.
func (d *Desk) OfSession(ctx context.Context, session string) ([]Grant, error) { panic("todo") }

// OfAccount are the account's live grants, the last first.
func (d *Desk) OfAccount(ctx context.Context, account string) ([]Grant, error) { panic("todo") }

// Consent is what the account allowed the client; nil for nothing.
func (d *Desk) Consent(ctx context.Context, account, client string) (oauth.Scopes, error) {
	panic("todo")
}

// SaveConsent adds scopes to what the account allowed the client.
func (d *Desk) SaveConsent(ctx context.Context, account, client string, scopes oauth.Scopes, by audit.Caller) error {
	panic("todo")
}

// Withdraw forgets what the account allowed the client, and ends all its grants.
func (d *Desk) Withdraw(ctx context.Context, account, client string, by audit.Caller) error {
	panic("todo")
}

// Consents are those of an account, the last changed first.
func (d *Desk) Consents(ctx context.Context, account string) ([]Consent, error) { panic("todo") }

// Once says whether the key is presented for the first time until then.
func (d *Desk) Once(ctx context.Context, key string, until time.Time) (first bool, err error) {
	panic("todo")
}

// Purge deletes what is over, in small batches. A periodic job calls it.
func (d *Desk) Purge(ctx context.Context) error { panic("todo") }
