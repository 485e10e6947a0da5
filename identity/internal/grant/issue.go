package grant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/id"
)

// IssueCode begins a grant, which the audit log records, and makes the code for
// it. Its id and times and the code's are filled in. The session, if there is one,
// lives and the account is active, else ErrSignedOut; the application is active,
// else ErrClient.
func (d *Desk) IssueCode(ctx context.Context, g Grant, c Code, by audit.Caller) (code string, _ Grant, err error) {
	code = rand.Text()
	now := d.now()
	g.ID, g.MadeAt, g.EndsAt = id.New(prefix), now, now.Add(CodeLife)
	err = d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		row, err := d.begin(ctx, tx, g, by)
		if err != nil {
			return err
		}
		return d.o.Store.InsertAuthorizationCode(ctx, tx, &store.AuthorizationCode{Hash: hash(code), Grant: row,
			RedirectURI: c.RedirectURI, GivenURI: c.GivenURI, Challenge: c.Challenge, ExpiresAt: g.EndsAt})
	})
	if err != nil {
		return "", Grant{}, err
	}
	return code, g, nil
}

// RedeemCode turns a code into its grant, once, and into the first refresh token
// of the family unless life.Idle is 0.
//
// check looks at the client, redirect_uri, PKCE and bindings, and may set JKT and
// X5T. It runs before anything is used up: a wrong try uses nothing. A second
// redemption that passes it revokes the grant. Otherwise the error is ErrCode or
// check's.
func (d *Desk) RedeemCode(ctx context.Context, code string, check func(*Grant, Code) error, life RefreshLife, by audit.Caller) (g Grant, refresh string, err error) {
	now := d.now()
	row, err := d.o.Store.AuthorizationCode(ctx, hash(code), now)
	if err != nil {
		return Grant{}, "", err
	}
	if row == nil || !row.Used && (!row.Grant.Lives || !row.ExpiresAt.After(now)) {
		return Grant{}, "", ErrCode
	}
	if g, err = of(row.Grant); err != nil {
		return Grant{}, "", err
	}
	if err := check(&g, Code{RedirectURI: row.RedirectURI, GivenURI: row.GivenURI, Challenge: row.Challenge, ExpiresAt: row.ExpiresAt}); err != nil {
		return Grant{}, "", err
	}
	if row.Used {
		return Grant{}, "", d.replayed(ctx, g.ID, by)
	}
	g.EndsAt = ends(row.Grant, life, now)
	used, refresh, err := d.redeem(ctx, row, g, life, now)
	if err != nil {
		return Grant{}, "", err
	}
	if !used { // somebody else was a moment faster
		return Grant{}, "", d.replayed(ctx, g.ID, by)
	}
	return g, refresh, nil
}

// redeem uses the code up and writes what follows from it, or says that somebody
// else has used it.
func (d *Desk) redeem(ctx context.Context, row *store.AuthorizationCode, g Grant, life RefreshLife, now time.Time) (used bool, refresh string, err error) {
	text, err := g.data()
	if err != nil {
		return false, "", err
	}
	refresh, family, err := d.first(g, life, now)
	if err != nil {
		return false, "", err
	}
	err = d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		var err error
		if used, err = d.o.Store.UseAuthorizationCode(ctx, tx, row.Hash, now); err != nil || !used {
			return err
		}
		redeemed, err := d.o.Store.RedeemGrant(ctx, tx, g.ID, text, g.EndsAt)
		if err == nil && !redeemed { // revoked since it was read
			err = ErrCode
		}
		if err != nil || family == nil {
			return err
		}
		return d.o.Store.InsertFamily(ctx, tx, family)
	})
	return used, refresh, err
}

// replayed revokes the grant of a code that was redeemed again.
func (d *Desk) replayed(ctx context.Context, grantID string, by audit.Caller) error {
	if err := d.Revoke(ctx, grantID, WhyReplay, by); err != nil {
		return err
	}
	return ErrCode
}

// Issue begins a grant without a code, which the audit log records.
func (d *Desk) Issue(ctx context.Context, g Grant, life RefreshLife, by audit.Caller) (Grant, string, error) {
	return d.issue(ctx, g, life, by, func(*sql.Tx) error { return nil })
}

// IssueByPassword is Issue for who showed the password that was set at setAt (zero:
// any), and nothing else. The error is ErrPassword when that is not
// enough any more.
func (d *Desk) IssueByPassword(ctx context.Context, g Grant, setAt time.Time, life RefreshLife, by audit.Caller) (Grant, string, error) {
	return d.issue(ctx, g, life, by, func(tx *sql.Tx) error {
		a, err := d.o.Store.AccountIn(ctx, tx, g.Account)
		if err != nil {
			return err
		}
		if a == nil || !setAt.IsZero() && !a.PasswordSetAt.Equal(setAt) || a.MustChange || a.SecondRequired {
			return ErrPassword
		}
		has, err := d.o.Store.HasFactor(ctx, tx, g.Account)
		if err == nil && has {
			err = ErrPassword
		}
		return err
	})
}

// issue is Issue if may lets it in its transaction.
func (d *Desk) issue(ctx context.Context, g Grant, life RefreshLife, by audit.Caller, may func(tx *sql.Tx) error) (issued Grant, refresh string, err error) {
	err = d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		if err := may(tx); err != nil {
			return err
		}
		var err error
		issued, refresh, err = d.IssueIn(ctx, tx, g, life, by)
		return err
	})
	if err != nil {
		return Grant{}, "", err
	}
	return issued, refresh, nil
}

// IssueIn is Issue in the caller's transaction, which began with the journal.
func (d *Desk) IssueIn(ctx context.Context, tx *sql.Tx, g Grant, life RefreshLife, by audit.Caller) (_ Grant, refresh string, err error) {
	now := d.now()
	g.ID, g.MadeAt, g.EndsAt = id.New(prefix), now, ends(&store.Grant{}, life, now)
	if _, err := d.begin(ctx, tx, g, by); err != nil {
		return Grant{}, "", err
	}
	refresh, family, err := d.first(g, life, now)
	if err != nil || family == nil {
		return g, "", err
	}
	return g, refresh, d.o.Store.InsertFamily(ctx, tx, family)
}

// begin writes a grant and records it.
func (d *Desk) begin(ctx context.Context, tx *sql.Tx, g Grant, by audit.Caller) (*store.Grant, error) {
	row, err := g.row()
	if err != nil {
		return nil, err
	}
	// The request looked at its application before, perhaps long ago.
	active, err := d.o.Store.ClientActive(ctx, tx, g.Client)
	if err == nil && !active {
		err = ErrClient
	}
	if err != nil {
		return nil, err
	}
	written, err := d.o.Store.InsertGrant(ctx, tx, row)
	if err == nil && !written {
		err = ErrSignedOut
	}
	if err != nil {
		return nil, err
	}
	detail := map[string]any{"account": g.Account, "client": g.Client, "scopes": row.Scopes}
	if g.Session != "" {
		detail["session"] = g.Session
	}
	return row, d.o.Journal.Append(ctx, tx, by, journal.GrantBegun, g.ID, detail)
}

// ends is when a grant that gets its tokens now is over. One that ends with its
// session need not be kept for longer.
func ends(r *store.Grant, life RefreshLife, now time.Time) time.Time {
	last := now.Add(AccessMost)
	if life.Idle <= 0 {
		return last
	}
	most := now.Add(life.Absolute)
	if !r.Offline && !r.SessionEndsAt.IsZero() && r.SessionEndsAt.Before(most) {
		most = r.SessionEndsAt
	}
	if most.Before(last) {
		return last
	}
	return most
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
