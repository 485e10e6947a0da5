package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// Where groups and memberships come from.
const (
	SourceLocal     = "local"
	SourceDirectory = "directory"
)

// ErrGroupNotFound says that there is no such group.
var ErrGroupNotFound = fault.New(fault.NotFound, "group_not_found", "There is no such group. It may have been removed; load the list again.")

// Group is a group as it is kept.
type Group struct {
	ID, Name string
	// NameKey is what makes two spellings one name.
	NameKey, Description string
	Source               string
	MadeAt               time.Time
	// Members is how many accounts are in it.
	Members int
}

const groupColumns = `SELECT g.id, g.name, g.name_key, g.description, g.source, g.made_at,
	(SELECT COUNT(*) FROM members m WHERE m.group_id = g.id) FROM groups g `

func scanGroup(row scanner) (*Group, error) {
	var g Group
	var made int64
	err := row.Scan(&g.ID, &g.Name, &g.NameKey, &g.Description, &g.Source, &made, &g.Members)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrGroupNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read a group: %w", err)
	}
	g.MadeAt = db.FromMicros(made)
	return &g, nil
}

// Group is the one with the id, or ErrGroupNotFound.
func (s *Store) Group(ctx context.Context, id string) (*Group, error) {
	g, err := scanGroup(s.db.Read.QueryRowContext(ctx, groupColumns+`WHERE g.id = $1`, id))
	return g, db.Coded(err)
}

// GroupIn is Group as the transaction sees it.
func (s *Store) GroupIn(ctx context.Context, tx *sql.Tx, id string) (*Group, error) {
	return scanGroup(tx.QueryRowContext(ctx, groupColumns+`WHERE g.id = $1`, id))
}

// The orders of a list of groups.
const (
	GroupsByName    = "name"
	GroupsByMembers = "members"
	GroupsByTime    = "created"
)

// GroupQuery says which groups a list has: those whose name or description contains
// Text, or whose id it is, from Source; empty: any.
type GroupQuery struct {
	Text, Source string
	// Sort is one of the orders, by name when empty; Desc turns it round.
	Sort          string
	Desc          bool
	Limit, Offset int
}

// Groups lists groups, and says how many there are in all.
func (s *Store) Groups(ctx context.Context, q GroupQuery) (all []*Group, total int, err error) {
	const where = `WHERE (g.name_key LIKE $1 ESCAPE '!' OR lower(g.description) LIKE $1 ESCAPE '!' OR g.id = $2) AND ($3 = '' OR g.source = $3) `
	args := []any{db.Containing(q.Text), q.Text, q.Source}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM groups g `+where, args...).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count groups: %w", err))
	}
	all, err = s.groups(ctx, where+`ORDER BY `+groupOrder(q)+` LIMIT $4 OFFSET $5`, append(args, q.Limit, q.Offset)...)
	return all, total, err
}

// groupOrder puts groups that are alike in order by their names.
func groupOrder(q GroupQuery) string {
	column, direction := "g.name_key", ""
	switch q.Sort {
	case GroupsByMembers:
		column = "7" // the count, a column of groupColumns
	case GroupsByTime:
		column = "g.made_at"
	}
	if q.Desc {
		direction = " DESC"
	}
	return column + direction + ", g.name_key" + direction
}

// GroupsOf are the groups that an account is in, by name.
func (s *Store) GroupsOf(ctx context.Context, account string) ([]*Group, error) {
	return s.groups(ctx, `WHERE g.id IN (SELECT group_id FROM members WHERE account = $1) ORDER BY g.name_key, g.id`, account)
}

func (s *Store) groups(ctx context.Context, where string, args ...any) (all []*Group, err error) {
	rows, err := s.db.Read.QueryContext(ctx, groupColumns+where, args...)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("list groups: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		g, err := scanGroup(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, db.Coded(rows.Err())
}

// InsertGroup writes a new group. False means that another has its name.
func (s *Store) InsertGroup(ctx context.Context, tx *sql.Tx, g *Group) (bool, error) {
	n, err := db.Change(ctx, tx, "write a group", `INSERT INTO groups (id, name, name_key, description, source, made_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name_key) DO NOTHING`, g.ID, g.Name, g.NameKey, g.Description, g.Source, db.Micros(g.MadeAt))
	return n == 1, err
}

// SetGroup changes a group's name and description. False means that another group
// has the name.
func (s *Store) SetGroup(ctx context.Context, tx *sql.Tx, g *Group) (bool, error) {
	n, err := db.Change(ctx, tx, "change a group", `UPDATE groups SET name = $1, name_key = $2, description = $3
		WHERE id = $4 AND NOT EXISTS (SELECT 1 FROM groups other WHERE other.name_key = $2 AND other.id <> $4)`, g.Name, g.NameKey, g.Description, g.ID)
	return n == 1, err
}

// DeleteGroup removes a group with its memberships and roles.
func (s *Store) DeleteGroup(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := db.Change(ctx, tx, "delete a group", `DELETE FROM groups WHERE id = $1`, id)
	return err
}

// AddMember puts an account into a group. False means that it is in it already.
func (s *Store) AddMember(ctx context.Context, tx *sql.Tx, group, account, source string, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "add a member", `INSERT INTO members (group_id, account, source, made_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (group_id, account) DO NOTHING`, group, account, source, db.Micros(now))
	return n == 1, err
}

// DropMember takes an account out of a group that it is in by the source. False
// means that it is not.
func (s *Store) DropMember(ctx context.Context, tx *sql.Tx, group, account, source string) (bool, error) {
	n, err := db.Change(ctx, tx, "drop a member", `DELETE FROM members WHERE group_id = $1 AND account = $2 AND source = $3`, group, account, source)
	return n == 1, err
}
