package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// The orders of a list of accounts.
const (
	AccountsByTime  = "created"
	AccountsByName  = "name"
	AccountsByEmail = "email"
)

// AccountQuery says which accounts a list has: those whose address, name or id
// contains Text, with the address EmailKey, in State, in the group Group; empty: any.
// Invited is the part of the active ones whose owner has not come yet.
type AccountQuery struct {
	Text, EmailKey, State, Group string
	// Sort is one of the orders; Desc turns it round.
	Sort          string
	Desc          bool
	Limit, Offset int
}

// Accounts lists accounts, and says how many there are in all.
func (s *Store) Accounts(ctx context.Context, q AccountQuery) (all []*Account, total int, err error) {
	const where = `WHERE (email_key LIKE $1 ESCAPE '!' OR name_key LIKE $1 ESCAPE '!' OR id = $2) AND ($3 = '' OR state = $3 OR $3 = 'invited' AND state = 'active' AND NOT email_proved AND NOT must_change AND password_set_at = created_at)
		AND ($4 = '' OR id IN (SELECT account FROM members WHERE group_id = $4)) AND ($5 = '' OR email_key = $5) `
	args := []any{db.Containing(q.Text), q.Text, q.State, q.Group, q.EmailKey}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts `+where, args...).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count accounts: %w", err))
	}
	rows, err := s.db.Read.QueryContext(ctx, accountColumns+where+`ORDER BY `+accountOrder(q)+` LIMIT $6 OFFSET $7`, append(args, q.Limit, q.Offset)...)
	if err != nil {
		return nil, 0, db.Coded(fmt.Errorf("list accounts: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, a)
	}
	return all, total, db.Coded(rows.Err())
}

func accountOrder(q AccountQuery) string {
	column, direction := "created_at", ""
	switch q.Sort {
	case AccountsByName:
		column = "name_key"
	case AccountsByEmail:
		column = "email_key"
	}
	if q.Desc {
		direction = " DESC"
	}
	return column + direction + ", id" + direction
}

// SetState changes an account from one state to another at now. False means that
// it is not in the first.
func (s *Store) SetState(ctx context.Context, tx *sql.Tx, id, from, to string, now time.Time) (bool, error) {
	at := sql.NullInt64{Int64: db.Micros(now), Valid: to == Disabled}
	n, err := db.Change(ctx, tx, "change an account's state", `UPDATE accounts SET state = $1, disabled_at = $2 WHERE id = $3 AND state = $4`, to, at, id, from)
	return n == 1, err
}

// SetSecondRequired says whether an account needs a second factor. False means
// that it is so already.
func (s *Store) SetSecondRequired(ctx context.Context, tx *sql.Tx, id string, required bool) (bool, error) {
	n, err := db.Change(ctx, tx, "require a second factor", `UPDATE accounts SET second_required = $1 WHERE id = $2 AND second_required <> $1`, required, id)
	return n == 1, err
}

// ProveEmail notes that a code came back from the account's address.
func (s *Store) ProveEmail(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := db.Change(ctx, tx, "note that an address is proved", `UPDATE accounts SET email_proved = $1 WHERE id = $2`, true, id)
	return err
}

// Alone says whether there is one account.
func (s *Store) Alone(ctx context.Context, tx *sql.Tx) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts`).Scan(&n)
	return n == 1, wrap("count accounts", err)
}
