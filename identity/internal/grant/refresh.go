package grant

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
)

// maxLost bounds how often one refresh loses against others of the same token.
// The second look finds it replaced; more needs a clock that runs backwards.
const maxLost = 5

// Refresh replaces a refresh token. check runs before anything changes. Within
// the grace window all who present a replaced token get the same good one; after
// it the family is revoked and that is recorded. A grant that is bound to its
// session is use of the session. The error is ErrRefresh or check's.
func (d *Desk) Refresh(ctx context.Context, text string, check func(Grant) error, life RefreshLife, by audit.Caller) (g Grant, next string, err error) {
	t, ok := parse(text)
	if !ok {
		return Grant{}, "", ErrRefresh
	}
	for range maxLost {
		g, next, err = d.refresh(ctx, t, check, life, by)
		if !errors.Is(err, errLost) {
			return g, next, err
		}
	}
	return Grant{}, "", err
}

// errLost says that a token was replaced while it was looked at.
var errLost = errors.New("the refresh token was replaced by others again and again")

func (d *Desk) refresh(ctx context.Context, t token, check func(Grant) error, life RefreshLife, by audit.Caller) (Grant, string, error) {
	now := d.now()
	row, err := d.o.Store.Family(ctx, t.family(), now)
	if err != nil {
		return Grant{}, "", err
	}
	if row == nil || !row.Grant.Lives || !row.ExpiresAt.After(now) {
		return Grant{}, "", ErrRefresh
	}
	g, err := of(row.Grant)
	if err != nil {
		return Grant{}, "", err
	}
	if err := check(g); err != nil {
		return Grant{}, "", err
	}
	switch {
	case bytes.Equal(row.Token, t.hash()):
		next, err := d.replace(ctx, t, row, g, life, now)
		return g, next, err
	case recent(row.Replaced, t.hash(), now.Add(-d.o.Grace)):
		good, err := d.open(t, row.Sealed)
		return g, good.text(), err
	default:
		return Grant{}, "", d.reused(ctx, g, by)
	}
}

// replace makes the next token the good one, or returns errLost when another one
// is meanwhile. Unless the session is to be touched it is one statement.
func (d *Desk) replace(ctx context.Context, t token, row *store.Family, g Grant, life RefreshLife, now time.Time) (string, error) {
	expires := expiry(g, life, now)
	if !expires.After(now) {
		return "", ErrRefresh
	}
	next := newToken(t.shared)
	sealed, err := d.seal(next)
	if err != nil {
		return "", err
	}
	to := store.Family{Hash: row.Hash, Token: next.hash(), Sealed: sealed, ExpiresAt: expires,
		Replaced: withReplaced(row.Replaced, row.Token, now, now.Add(-d.o.Grace))}
	var replaced bool
	err = d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		var err error
		if replaced, err = d.o.Store.ReplaceToken(ctx, tx, &to, row.Token, now); err != nil || !replaced {
			return err
		}
		if g.Session == "" || g.Offline || !d.o.Sessions.Unnoted(row.Grant.SessionSeenAt) {
			return nil
		}
		return d.o.Sessions.Use(ctx, tx, g.Session)
	})
	if err != nil {
		return "", err
	}
	if !replaced {
		return "", errLost
	}
	return next.text(), nil
}

// reused revokes the family of a token that was presented after its grace window.
func (d *Desk) reused(ctx context.Context, g Grant, by audit.Caller) error {
	err := d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		n, err := d.revokeIn(ctx, tx, by, WhyReuse, store.GrantByID, g.ID)
		if err != nil || n == 0 { // another one has noticed it
			return err
		}
		return d.o.Journal.Append(ctx, tx, by, journal.RefreshReused, g.ID, map[string]any{"account": g.Account, "client": g.Client})
	})
	if err != nil {
		return err
	}
	d.o.Log.WarnContext(ctx, "a refresh token was used again after it was replaced; its grant was revoked", "grant", g.ID, "client", g.Client, "from", by.From)
	return ErrRefresh
}

// ByRefresh is the live grant of a refresh token that is good now, and when the
// token ends unless it is used; else ErrRefresh. It changes nothing.
func (d *Desk) ByRefresh(ctx context.Context, text string) (g Grant, expires time.Time, err error) {
	t, ok := parse(text)
	if !ok {
		return Grant{}, time.Time{}, ErrRefresh
	}
	now := d.now()
	row, err := d.o.Store.Family(ctx, t.family(), now)
	if err != nil {
		return Grant{}, time.Time{}, err
	}
	if row == nil || !row.Grant.Lives || !row.ExpiresAt.After(now) || !bytes.Equal(row.Token, t.hash()) {
		return Grant{}, time.Time{}, ErrRefresh
	}
	g, err = of(row.Grant)
	return g, row.ExpiresAt, err
}
