package catalogue

import (
	"context"
	"database/sql"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// AddCustomer makes a customer. Wrong fields are called "name", "email" and "note".
func (d *Desk) AddCustomer(ctx context.Context, name, email, note string, by audit.Caller) (store.Customer, error) {
	c, err := customerRow(name, email, note)
	if err != nil {
		return c, err
	}
	c.ID, c.MadeAt = id.New("cus"), d.now()
	return c, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		inserted, err := d.Store.InsertCustomer(ctx, tx, c)
		if err != nil {
			return err
		}
		if !inserted {
			return errCustomerExists()
		}
		return d.Journal.Append(ctx, tx, by, journal.CustomerAdded, c.ID, nil)
	})
}

// ChangeCustomer changes what is known of a customer.
func (d *Desk) ChangeCustomer(ctx context.Context, customer, name, email, note string, by audit.Caller) (store.Customer, error) {
	was, err := d.Store.Customer(ctx, customer)
	if err != nil {
		return was, err
	}
	c, err := customerRow(name, email, note)
	if err != nil {
		return c, err
	}
	c.ID, c.MadeAt, c.Cards = was.ID, was.MadeAt, was.Cards
	return c, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		set, err := d.Store.SetCustomer(ctx, tx, c)
		if err != nil {
			return err
		}
		if !set {
			return errCustomerExists()
		}
		return d.Journal.Append(ctx, tx, by, journal.CustomerEdited, c.ID, nil) // what is personal is not for the log
	})
}

func errCustomerExists() error {
	return fault.Fields(fault.Field{Name: "name", Code: "customer_exists", Detail: "There is a customer with this name already. Choose another."})
}

func customerRow(name, email, note string) (store.Customer, error) {
	var f fields
	c := store.Customer{Name: f.line("name", name), Email: f.email("email", email), Note: f.note(note)}
	c.NameKey = key(c.Name)
	return c, fault.Fields(f...)
}
