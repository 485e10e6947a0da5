package client

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/audit"
)

// OwnPrefix begins the ids of the applications that are services of the
// installation: "guildhall-bank".
const OwnPrefix = "guildhall-"

// IsOwn says whether the application of that id is a part of the installation.
func IsOwn(id string) bool { return strings.HasPrefix(id, OwnPrefix) }

// ownLife is how long a person is signed in at a service in all.
const ownLife = 24 * time.Hour

// Own is a service of the installation as an application.
type Own struct {
	// Service is its name, Certified the name in its certificate on the internal
	// listener, by which alone it is known.
	Service, Certified string
	// RedirectURI is where people come back to.
	RedirectURI string
}

// metadata is what the service may: sign people in, who are not asked, since it is
// a part of what they sign in to.
func (o Own) metadata() Metadata {
	return Metadata{Name: o.Service, Kind: Web, Method: oauth.MethodTLS, TLSSubjectDNS: o.Certified,
		RedirectURIs: []string{o.RedirectURI}, GrantTypes: []string{oauth.GrantCode, oauth.GrantRefresh}, ResponseTypes: []string{oauth.ResponseCode},
		Scopes: oauth.Scopes{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopeRoles}, Trusted: true,
		RefreshIdle: ownLife, RefreshLife: ownLife}
}

// Register makes a service of the installation an application, or brings it up to
// date. One that an administrator has disabled stays so.
func (d *Desk) Register(ctx context.Context, o Own, by audit.Caller) (Client, error) {
	return d.keep(ctx, OwnPrefix+o.Service, o.metadata(), by)
}

// keep makes one of our own applications, or brings it up to date.
func (d *Desk) keep(ctx context.Context, id string, m Metadata, by audit.Caller) (Client, error) {
	if err := d.Check(m); err != nil {
		return Client{}, err
	}
	c, err := d.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return d.insertOwn(ctx, id, m, by)
	}
	if err != nil {
		return Client{}, err
	}
	if diff, err := differences(c.Metadata, m); err != nil || len(diff) == 0 {
		return c, err
	}
	return d.update(ctx, id, m, time.Time{}, by)
}

// insertOwn writes the application, unless another node was faster.
func (d *Desk) insertOwn(ctx context.Context, id string, m Metadata, by audit.Caller) (c Client, err error) {
	now := d.now()
	c = Client{ID: id, State: Active, MadeAt: now, ChangedAt: now, Metadata: m}
	row, err := c.row()
	if err != nil {
		return Client{}, err
	}
	err = d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		there, err := d.In(ctx, tx, id)
		if err == nil {
			c = there
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := d.o.Journal.Append(ctx, tx, by, journal.ApplicationCreated, id, map[string]any{"metadata": m}); err != nil {
			return err
		}
		return d.o.Store.InsertClient(ctx, tx, row)
	})
	if err != nil {
		return Client{}, err
	}
	return c, nil
}
