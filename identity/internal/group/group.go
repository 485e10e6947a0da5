// Package group keeps groups of accounts. What a group is for is what it holds:
// roles.
package group

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

const (
	prefix = "grp"
	// maxName and maxDescription are in characters.
	maxName        = 64
	maxDescription = 200
	// maxList bounds a page of groups.
	maxList = 500
)

var (
	// ErrNotFound says that there is no such group.
	ErrNotFound = store.ErrGroupNotFound
	// ErrDirectory says that the directory decides here.
	ErrDirectory = fault.New(fault.Conflict, "group_of_directory", "This comes from the directory. Change it there; the next import takes it over.")
)

// Group is a group of accounts.
type Group struct {
	ID, Name, Description string
	// Directory says that the directory names it and decides who is in it.
	Directory bool
	MadeAt    time.Time
	// Members is how many there are.
	Members int
}

// Desk makes and changes groups. It is safe for concurrent use.
type Desk struct {
	Store   *store.Store
	Journal *audit.Journal
	Now     func() time.Time
}

// Create makes a group. Wrong fields are called "name" and "description".
func (d *Desk) Create(ctx context.Context, name, description string, by audit.Caller) (Group, error) {
	row, err := fields(name, description)
	if err != nil {
		return Group{}, err
	}
	row.ID, row.Source, row.MadeAt = id.New(prefix), store.SourceLocal, d.Now().UTC().Truncate(time.Microsecond)
	err = d.Journal.Write(ctx, func(tx *sql.Tx) error {
		inserted, err := d.Store.InsertGroup(ctx, tx, row)
		if err != nil {
			return err
		}
		if !inserted {
			return errTaken()
		}
		return d.Journal.Append(ctx, tx, by, journal.GroupCreated, row.ID, map[string]any{"name": row.Name})
	})
	return of(row), err
}

// Change gives a group another name and description.
func (d *Desk) Change(ctx context.Context, id, name, description string, by audit.Caller) error {
	row, err := fields(name, description)
	if err != nil {
		return err
	}
	row.ID = id
	return d.change(ctx, id, func(tx *sql.Tx, was *store.Group) error {
		if was.Name == row.Name && was.Description == row.Description {
			return nil
		}
		set, err := d.Store.SetGroup(ctx, tx, row)
		if err != nil {
			return err
		}
		if !set {
			return errTaken()
		}
		detail := map[string]any{}
		for field, value := range map[string][2]string{"name": {was.Name, row.Name}, "description": {was.Description, row.Description}} {
			if value[0] != value[1] {
				detail[field] = map[string]any{"old": value[0], "new": value[1]}
			}
		}
		return d.Journal.Append(ctx, tx, by, journal.GroupChanged, id, detail)
	})
}

// Remove removes a group; its members lose what it holds. The error may be
// store.ErrLastAdmin.
func (d *Desk) Remove(ctx context.Context, id string, by audit.Caller) error {
	return d.change(ctx, id, func(tx *sql.Tx, was *store.Group) error {
		if err := d.Store.KeepAdmin(ctx, tx, func() error { return d.Store.DeleteGroup(ctx, tx, id) }); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.GroupRemoved, id, map[string]any{"name": was.Name, "members": was.Members})
	})
}

// Add puts an account into a group. One that is in it stays.
func (d *Desk) Add(ctx context.Context, id, accountID string, by audit.Caller) error {
	return d.change(ctx, id, func(tx *sql.Tx, _ *store.Group) error {
		row, err := d.Store.AccountIn(ctx, tx, accountID)
		if err == nil && row == nil {
			err = account.ErrNotFound
		}
		if err != nil {
			return err
		}
		added, err := d.Store.AddMember(ctx, tx, id, accountID, store.SourceLocal, d.Now())
		if err != nil || !added {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.MemberAdded, id, map[string]any{"account": accountID})
	})
}

// Drop takes an account out of a group. The error may be store.ErrLastAdmin.
func (d *Desk) Drop(ctx context.Context, id, accountID string, by audit.Caller) error {
	return d.change(ctx, id, func(tx *sql.Tx, _ *store.Group) error {
		return d.Store.KeepAdmin(ctx, tx, func() error {
			dropped, err := d.Store.DropMember(ctx, tx, id, accountID, store.SourceLocal)
			if err != nil || !dropped {
				return err
			}
			return d.Journal.Append(ctx, tx, by, journal.MemberDropped, id, map[string]any{"account": accountID})
		})
	})
}

// Get is the group with the id, or ErrNotFound.
func (d *Desk) Get(ctx context.Context, id string) (Group, error) {
	row, err := d.Store.Group(ctx, id)
	if err != nil {
		return Group{}, err
	}
	return of(row), nil
}

// Query says which groups a list has: those whose name or description contains Text,
// or whose id it is; empty: any.
type Query struct {
	Text string
	// Source is store.SourceLocal or store.SourceDirectory; empty: any.
	Source string
	// Sort is "name", which is the default, "members" or "created".
	Sort string
	Desc bool
	// Limit is how many at once, at most 500; 0: 100.
	Limit, Offset int
}

// List is a page of the groups, and how many there are in all.
func (d *Desk) List(ctx context.Context, q Query) ([]Group, int, error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	rows, total, err := d.Store.Groups(ctx, store.GroupQuery{Text: norm.NFKC.String(q.Text), Source: q.Source, Sort: q.Sort, Desc: q.Desc,
		Limit: min(max(q.Limit, 1), maxList), Offset: max(q.Offset, 0)})
	return all(rows), total, err
}

// Of are the groups of an account, by name.
func (d *Desk) Of(ctx context.Context, accountID string) ([]Group, error) {
	rows, err := d.Store.GroupsOf(ctx, accountID)
	return all(rows), err
}

// change runs fn in a transaction with a group that is not the directory's.
func (d *Desk) change(ctx context.Context, id string, fn func(tx *sql.Tx, was *store.Group) error) error {
	return d.Journal.Write(ctx, func(tx *sql.Tx) error {
		was, err := d.Store.GroupIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if was.Source != store.SourceLocal {
			return ErrDirectory
		}
		return fn(tx, was)
	})
}

func errTaken() error {
	return fault.Fields(fault.Field{Name: "name", Code: "group_exists", Detail: "There is a group with this name already. Choose another."})
}

// fields are name and description as they are kept.
func fields(name, description string) (*store.Group, error) {
	var wrong []fault.Field
	text := func(field, value string, most int) string {
		value = strings.Join(strings.Fields(norm.NFC.String(value)), " ")
		switch {
		case utf8.RuneCountInString(value) > most:
			wrong = append(wrong, fault.Field{Name: field, Code: "too_long", Args: map[string]any{"Count": most}, Detail: "The text is too long."})
		case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsGraphic(r) }):
			wrong = append(wrong, fault.Field{Name: field, Code: "not_text", Detail: "The text holds characters that nobody sees. Type it again."})
		}
		return value
	}
	g := &store.Group{Name: text("name", name, maxName), Description: text("description", description, maxDescription)}
	if g.Name == "" {
		wrong = append(wrong, fault.Field{Name: "name", Code: "required", Detail: "Fill in this field."})
	}
	g.NameKey = strings.ToLower(norm.NFKC.String(g.Name))
	return g, fault.Fields(wrong...)
}

func of(row *store.Group) Group {
	return Group{ID: row.ID, Name: row.Name, Description: row.Description, Directory: row.Source == store.SourceDirectory, MadeAt: row.MadeAt, Members: row.Members}
}

func all(rows []*store.Group) []Group {
	list := make([]Group, len(rows))
	for i, row := range rows {
		list[i] = of(row)
	}
	return list
}
