// Package role says who may do what: a role such as "ca.admin" is held by an
// account, or by a group and thereby by its members.
//
// A changed role ends nothing. Tokens tell it when they are made or refreshed, and
// services ask again every minute: so it is seen within a minute.
package role

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// Admin is who may administer accounts; somebody always does. Viewer may look.
const (
	Admin  = store.AdminRole
	Viewer = "identity.viewer"
)

// ErrLastAdmin says that nobody would hold Admin any more.
var ErrLastAdmin = store.ErrLastAdmin

// Holder is an account or a group; the other is empty.
type Holder struct{ Account, Group string }

func (h Holder) id() string { return h.Account + h.Group }

// Options is what a Desk needs; all of it.
type Options struct {
	Store   *store.Store
	Journal *audit.Journal
	// Known are the roles that can be given.
	Known []string
	Now   func() time.Time
}

// Desk gives and takes roles. It is safe for concurrent use.
type Desk struct{ o Options }

// New makes a desk.
func New(o Options) *Desk { return &Desk{o: o} }

// Known are the roles that can be given.
func (d *Desk) Known() []string { return slices.Clone(d.o.Known) }

// Of are the roles of an account, its own and those of its groups, by name. Which
// of them contain others is the matter of who asks for one: session.Principal's
// Has.
func (d *Desk) Of(ctx context.Context, accountID string) ([]string, error) {
	return d.o.Store.RolesOf(ctx, accountID)
}

// Held are the roles that a holder was given itself, by name.
func (d *Desk) Held(ctx context.Context, h Holder) ([]string, error) {
	rows, err := d.o.Store.HoldersOf(ctx, h.Account, h.Group)
	if err != nil {
		return nil, err
	}
	roles := make([]string, len(rows))
	for i, row := range rows {
		roles[i] = row.Role
	}
	return roles, nil
}

// Give gives a role. Who has it keeps it. The wrong field is called "role".
func (d *Desk) Give(ctx context.Context, role string, to Holder, by audit.Caller) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error { return d.GiveIn(ctx, tx, role, to, by) })
}

// GiveIn is Give in the caller's transaction, which began with the journal.
func (d *Desk) GiveIn(ctx context.Context, tx *sql.Tx, role string, to Holder, by audit.Caller) error {
	if !slices.Contains(d.o.Known, role) {
		return fault.Fields(fault.Field{Name: "role", Code: "not_offered", Detail: "Choose one of the roles offered."})
	}
	if err := d.exists(ctx, tx, to); err != nil {
		return err
	}
	given, err := d.o.Store.GiveRole(ctx, tx, store.Holder{Role: role, Account: to.Account, Group: to.Group, MadeAt: d.o.Now()})
	if err != nil || !given {
		return err
	}
	return d.o.Journal.Append(ctx, tx, by, journal.RoleGiven, to.id(), map[string]any{"role": role})
}

// Take takes a role back, or returns ErrLastAdmin. Who has it not is left alone.
func (d *Desk) Take(ctx context.Context, role string, from Holder, by audit.Caller) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		return d.o.Store.KeepAdmin(ctx, tx, func() error {
			taken, err := d.o.Store.TakeRole(ctx, tx, store.Holder{Role: role, Account: from.Account, Group: from.Group})
			if err != nil || !taken {
				return err
			}
			return d.o.Journal.Append(ctx, tx, by, journal.RoleTaken, from.id(), map[string]any{"role": role})
		})
	})
}

func (d *Desk) exists(ctx context.Context, tx *sql.Tx, h Holder) error {
	if h.Group != "" {
		_, err := d.o.Store.GroupIn(ctx, tx, h.Group)
		return err
	}
	row, err := d.o.Store.AccountIn(ctx, tx, h.Account)
	if err == nil && row == nil {
		err = account.ErrNotFound
	}
	return err
}
