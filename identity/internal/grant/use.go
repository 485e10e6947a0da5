package grant

import (
	"context"
	"database/sql"
)

// Use is Live for the client that has the grant, and notes that the grant's session
// is used, as Refresh does. To another client it is ErrOver.
func (d *Desk) Use(ctx context.Context, id, client string) (Grant, error) {
	row, err := d.o.Store.Grant(ctx, id, d.now())
	if err != nil {
		return Grant{}, err
	}
	if row == nil || !row.Lives || row.Client != client {
		return Grant{}, ErrOver
	}
	g, err := of(row)
	if err != nil || g.Session == "" || g.Offline || !d.o.Sessions.Unnoted(row.SessionSeenAt) {
		return g, err
	}
	return g, d.o.Journal.Group(ctx, func(tx *sql.Tx) error { return d.o.Sessions.Use(ctx, tx, g.Session) })
}
