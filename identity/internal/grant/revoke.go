package grant

import (
	"context"
	"database/sql"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
)

// Revoke ends a grant and records why (one of the constants). A grant that is over
// or unknown is no error.
func (d *Desk) Revoke(ctx context.Context, id, why string, by audit.Caller) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		_, err := d.revokeIn(ctx, tx, by, why, store.GrantByID, id)
		return err
	})
}

// revokeIn revokes grants in a transaction that began with the journal, tells the
// services, and records each.
func (d *Desk) revokeIn(ctx context.Context, tx *sql.Tx, by audit.Caller, why string, which store.Which, args ...any) (int, error) {
	now := d.now()
	until := now.Add(AccessMost)
	gone, err := d.o.Store.RevokeGrants(ctx, tx, now, until, which, args...)
	if err != nil {
		return 0, err
	}
	ids := make([]string, len(gone))
	for i, g := range gone {
		ids[i] = g.ID
		err := d.o.Journal.Append(ctx, tx, by, journal.GrantRevoked, g.ID, map[string]any{"account": g.Account, "client": g.Client, "why": why})
		if err != nil {
			return 0, err
		}
	}
	return len(ids), d.o.Store.AddRevocations(ctx, tx, store.RevokedGrant, ids, now, until)
}

// RevokeRefresh revokes the grant of a refresh token of the client, also by one
// that was replaced. False means that it is no refresh token of this client's.
func (d *Desk) RevokeRefresh(ctx context.Context, text, client string, by audit.Caller) (bool, error) {
	t, ok := parse(text)
	if !ok {
		return false, nil
	}
	row, err := d.o.Store.Family(ctx, t.family(), d.now())
	if err != nil || row == nil || row.Grant.Client != client {
		return false, err
	}
	return true, d.Revoke(ctx, row.Grant.ID, WhyRevoked, by)
}

// RevokeAccess revokes one access token, which ends at until. It is not recorded
// in the audit log: a client may do so with each of its tokens.
func (d *Desk) RevokeAccess(ctx context.Context, jti string, until time.Time, _ audit.Caller) error {
	now := d.now()
	if !until.After(now) {
		return nil
	}
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		return d.o.Store.AddRevocations(ctx, tx, store.RevokedToken, []string{jti}, now, until)
	})
}

// SessionsEnded ends what ends with sessions, in the transaction that ended them,
// which began with the journal: it is session.Desk's Ended. With e.All, all that
// the account has allowed ends, but for what was allowed in the session e.Except.
func (d *Desk) SessionsEnded(ctx context.Context, tx *sql.Tx, e session.Ended) error {
	by := audit.Caller{Actor: audit.System}
	if err := d.tell(ctx, tx, e); err != nil {
		return err
	}
	if e.All {
		if err := d.o.Store.DenyDevices(ctx, tx, e.Account, ""); err != nil {
			return err
		}
		_, err := d.revokeIn(ctx, tx, by, WhyAccount, store.GrantsOfAllOthers, e.Account, e.Except)
		return err
	}
	for _, id := range e.Sessions {
		if _, err := d.revokeIn(ctx, tx, by, WhyLogout, store.GrantsOfEnded, id); err != nil {
			return err
		}
	}
	return nil
}

// tell has the services end the sessions that they keep for these; those of a session
// that is spared go on, so then nothing is said of the account.
func (d *Desk) tell(ctx context.Context, tx *sql.Tx, e session.Ended) error {
	now := d.now()
	until := now.Add(SessionMost)
	if err := d.o.Store.AddRevocations(ctx, tx, store.RevokedSession, e.Sessions, now, until); err != nil {
		return err
	}
	if !e.All || e.Except != "" {
		return nil
	}
	return d.o.Store.AddRevocations(ctx, tx, store.RevokedAccount, []string{e.Account}, now, until)
}

// ClientEnded ends all grants and tokens of a client, in the caller's transaction,
// which began with the journal and has recorded why.
func (d *Desk) ClientEnded(ctx context.Context, tx *sql.Tx, client string) error {
	now := d.now()
	until := now.Add(AccessMost)
	// The grants may be many; the revocation of the client says it for all.
	if _, err := d.o.Store.RevokeGrants(ctx, tx, now, until, store.GrantsOfClient, client); err != nil {
		return err
	}
	return d.o.Store.AddRevocations(ctx, tx, store.RevokedClient, []string{client}, now, until)
}

// Live is a grant that is not revoked, not over, whose account is active and whose
// session lives unless it is offline; else ErrOver.
func (d *Desk) Live(ctx context.Context, id string) (Grant, error) {
	row, err := d.o.Store.Grant(ctx, id, d.now())
	if err != nil {
		return Grant{}, err
	}
	if row == nil || !row.Lives {
		return Grant{}, ErrOver
	}
	return of(row)
}

// Revoked says whether an access token is worth nothing although it is not over:
// it, its client or its grant was revoked, or its grant does not live (see Live).
// grantID is empty for tokens of client credentials.
func (d *Desk) Revoked(ctx context.Context, jti, grantID, clientID string, issued time.Time) (bool, error) {
	revoked, _, err := d.revoked.Get(ctx, store.AccessToken{ID: jti, Grant: grantID, Client: clientID, Issued: issued})
	return revoked, err
}

// ClientsIn are the clients with a grant begun in the session, also an offline one,
// that is not revoked, in the caller's transaction: whom back-channel logout tells.
// Called in session.Desk's Ended before SessionsEnded.
func (d *Desk) ClientsIn(ctx context.Context, tx *sql.Tx, session string) ([]string, error) {
	return d.o.Store.ClientsOfSession(ctx, tx, session)
}

// OfSession are the grants begun in the session that are not revoked, the last
// first.
func (d *Desk) OfSession(ctx context.Context, session string) ([]Grant, error) {
	return ofAll(d.o.Store.GrantsOfSession(ctx, session, d.now()))
}

// OfAccount are the account's live grants, the last first.
func (d *Desk) OfAccount(ctx context.Context, account string) ([]Grant, error) {
	return ofAll(d.o.Store.GrantsOfAccount(ctx, account, d.now()))
}
