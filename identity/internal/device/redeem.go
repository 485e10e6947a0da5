package device

import (
	"context"
	"database/sql"
	"errors"

	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
)

// Redeem is a device's question whether its person has decided. The grant that
// it gets, once, has no session, for it must not end with that of the browser.
// bind may set JKT and X5T and runs before anything is used up. The errors are
// those of RFC 8628, 3.5, bind's and ErrCode.
func (d *Desk) Redeem(ctx context.Context, deviceCode, clientID string, life grant.RefreshLife, bind func(*grant.Grant) error, by audit.Caller) (g grant.Grant, refresh string, err error) {
	row, err := d.o.Store.Device(ctx, hash(deviceCode))
	if err != nil {
		return grant.Grant{}, "", err
	}
	if row == nil || row.Client != clientID {
		return grant.Grant{}, "", ErrCode
	}
	if !row.ExpiresAt.After(d.now()) {
		return grant.Grant{}, "", ErrExpired
	}
	switch row.State {
	case store.DevicePending:
		return grant.Grant{}, "", d.wait(ctx, row)
	case store.DeviceDenied:
		return grant.Grant{}, "", ErrDenied
	case store.DeviceApproved:
		return d.redeem(ctx, row, life, bind, by)
	default:
		return grant.Grant{}, "", ErrCode
	}
}

// wait answers a device whose person has not decided.
func (d *Desk) wait(ctx context.Context, row *store.Device) error {
	inTime := false
	err := d.o.Journal.Group(ctx, func(tx *sql.Tx) (err error) {
		inTime, err = d.o.Store.PollDevice(ctx, tx, row.Hash, d.now(), Interval)
		return err
	})
	switch {
	case err != nil:
		return err
	case inTime:
		return ErrPending
	default:
		return ErrSlow
	}
}

func (d *Desk) redeem(ctx context.Context, row *store.Device, life grant.RefreshLife, bind func(*grant.Grant) error, by audit.Caller) (g grant.Grant, refresh string, err error) {
	v, err := read(row)
	if err != nil {
		return grant.Grant{}, "", err
	}
	g = grant.Grant{Account: v.Who.Account, Client: row.Client, Offline: v.Scopes.Has(oauth.ScopeOffline), Scopes: v.Scopes, Audiences: v.Audiences,
		ACR: v.Who.ACR, AMR: v.Who.AMR, AuthTime: v.Who.AuthTime}
	if err := bind(&g); err != nil {
		return grant.Grant{}, "", err
	}
	var issued grant.Grant
	err = d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		taken, err := d.o.Store.TakeDevice(ctx, tx, row.Hash, d.now())
		if err == nil && !taken {
			err = ErrCode
		}
		if err != nil {
			return err
		}
		issued, refresh, err = d.o.Grants.IssueIn(ctx, tx, g, life, by)
		return err
	})
	if errors.Is(err, grant.ErrSignedOut) || errors.Is(err, grant.ErrClient) { // the account or the application was disabled since
		err = ErrDenied
	}
	if err != nil {
		return grant.Grant{}, "", err
	}
	return issued, refresh, nil
}
