package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrCustomer says that there is no such customer.
var ErrCustomer = fault.New(fault.NotFound, "customer_not_found", "There is no such customer.")

// Customer is whom cards are for.
type Customer struct {
	ID, Name, NameKey, Email, Note string
	MadeAt                         time.Time
	// Cards is how many there are outside the recycle bin.
	Cards int
}

const customerColumns = `SELECT c.id, c.name, c.name_key, c.email, c.note, c.made_at, (SELECT COUNT(*) FROM cards k WHERE k.customer = c.id AND k.deleted_at IS NULL) FROM customers c `

func scanCustomer(row scanner) (c Customer, err error) {
	var made int64
	err = row.Scan(&c.ID, &c.Name, &c.NameKey, &c.Email, &c.Note, &made, &c.Cards)
	c.MadeAt = db.FromMicros(made)
	return c, err
}

// Customer is the one with the id, or ErrCustomer.
func (s *Store) Customer(ctx context.Context, id string) (Customer, error) {
	c, err := scanCustomer(s.db.Read.QueryRowContext(ctx, customerColumns+`WHERE c.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrCustomer.Naming(id)
	}
	return c, db.Coded(err)
}

// CustomerQuery says which customers a list has.
type CustomerQuery struct {
	// Text is looked for in names and addresses.
	Text string
	// Sort is "name", "made" or "cards"; Desc turns it round.
	Sort          string
	Desc          bool
	Limit, Offset int
}

// Customers lists customers, and says how many there are in all.
func (s *Store) Customers(ctx context.Context, q CustomerQuery) (all []Customer, total int, err error) {
	const where = `WHERE (c.name_key LIKE $1 ESCAPE '!' OR lower(c.email) LIKE $1 ESCAPE '!') `
	text := db.Containing(q.Text)
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM customers c `+where, text).Scan(&total); err != nil {
		return nil, 0, db.Coded(err)
	}
	all, err = list(ctx, s.db.Read, "list customers", scanCustomer, customerColumns+where+q.order()+`LIMIT $2 OFFSET $3`, text, q.Limit, q.Offset)
	return all, total, err
}

func (q *CustomerQuery) order() string {
	direction := " "
	if q.Desc {
		direction = " DESC "
	}
	switch q.Sort {
	case "made":
		return `ORDER BY c.made_at` + direction + `, c.id` + direction
	case "cards":
		return `ORDER BY 7` + direction + `, c.name_key `
	}
	return `ORDER BY c.name_key` + direction
}

// InsertCustomer writes a new customer. False means that another has the name.
func (s *Store) InsertCustomer(ctx context.Context, tx *sql.Tx, c Customer) (bool, error) {
	n, err := db.Change(ctx, tx, "write a customer", `INSERT INTO customers (id, name, name_key, email, note, made_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name_key) DO NOTHING`, c.ID, c.Name, c.NameKey, c.Email, c.Note, db.Micros(c.MadeAt))
	return n == 1, err
}

// SetCustomer changes a customer. False means that another has the name.
func (s *Store) SetCustomer(ctx context.Context, tx *sql.Tx, c Customer) (bool, error) {
	n, err := db.Change(ctx, tx, "change a customer", `UPDATE customers SET name = $1, name_key = $2, email = $3, note = $4
		WHERE id = $5 AND NOT EXISTS (SELECT 1 FROM customers other WHERE other.name_key = $2 AND other.id <> $5)`, c.Name, c.NameKey, c.Email, c.Note, c.ID)
	return n == 1, err
}
