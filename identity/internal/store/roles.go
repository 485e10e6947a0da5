package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// AdminRole is the role without whose holders nobody could give roles.
const AdminRole = "identity.admin"

// ErrLastAdmin says that a change would leave nobody with AdminRole.
var ErrLastAdmin = fault.New(fault.Conflict, "last_administrator", "Nobody could administer accounts after that: this is the last active account with the role identity.admin. Give the role to another account first.")

// Holder is who holds a role: an account or a group.
type Holder struct {
	Role string
	// One of them is empty.
	Account, Group string
	MadeAt         time.Time
}

// adminExists is whether an active account has AdminRole, by itself or by a group.
const adminExists = `SELECT EXISTS (SELECT 1 FROM accounts a WHERE a.state = 'active' AND (
	EXISTS (SELECT 1 FROM role_holders h WHERE h.account = a.id AND h.role = '` + AdminRole + `')
	OR EXISTS (SELECT 1 FROM members m JOIN role_holders h ON h.group_id = m.group_id WHERE m.account = a.id AND h.role = '` + AdminRole + `')))`

// KeepAdmin makes a change that may take AdminRole from somebody, in a transaction
// that began with the journal. ErrLastAdmin when it took it from the last one.
func (s *Store) KeepAdmin(ctx context.Context, tx *sql.Tx, change func() error) error {
	var before, after bool
	if err := tx.QueryRowContext(ctx, adminExists).Scan(&before); err != nil {
		return fmt.Errorf("look for administrators: %w", err)
	}
	if err := change(); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, adminExists).Scan(&after); err != nil {
		return fmt.Errorf("look for administrators: %w", err)
	}
	if before && !after {
		return ErrLastAdmin
	}
	return nil
}

// RolesOf are the roles of an account, its own and those of its groups, by name.
func (s *Store) RolesOf(ctx context.Context, account string) (roles []string, err error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT role FROM role_holders WHERE account = $1
		UNION SELECT h.role FROM role_holders h JOIN members m ON m.group_id = h.group_id WHERE m.account = $1 ORDER BY 1`, account)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read roles: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var role string
		if err := rows.Scan(&role); err != nil {
			return nil, fmt.Errorf("read roles: %w", err)
		}
		roles = append(roles, role)
	}
	return roles, db.Coded(rows.Err())
}

// HoldersOf are the roles that an account or a group (the other is empty) holds
// by itself.
func (s *Store) HoldersOf(ctx context.Context, account, group string) (all []Holder, err error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT role, COALESCE(account, ''), COALESCE(group_id, ''), made_at FROM role_holders
		WHERE account = $1 OR group_id = $2 ORDER BY role`, account, group)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read the holders of roles: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var h Holder
		var made int64
		if err := rows.Scan(&h.Role, &h.Account, &h.Group, &made); err != nil {
			return nil, fmt.Errorf("read the holders of roles: %w", err)
		}
		h.MadeAt = db.FromMicros(made)
		all = append(all, h)
	}
	return all, db.Coded(rows.Err())
}

// GiveRole writes a holder. False means that it holds the role already.
func (s *Store) GiveRole(ctx context.Context, tx *sql.Tx, h Holder) (bool, error) {
	n, err := db.Change(ctx, tx, "give a role", `INSERT INTO role_holders (role, account, group_id, made_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		h.Role, orNull(h.Account), orNull(h.Group), db.Micros(h.MadeAt))
	return n == 1, err
}

// TakeRole removes a holder. False means that it does not hold the role.
func (s *Store) TakeRole(ctx context.Context, tx *sql.Tx, h Holder) (bool, error) {
	n, err := db.Change(ctx, tx, "take a role", `DELETE FROM role_holders WHERE role = $1 AND (account = $2 OR group_id = $3)`, h.Role, h.Account, h.Group)
	return n == 1, err
}

// orNull is NULL for an empty text.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
