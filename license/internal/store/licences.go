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

// ErrLicence says that there is no such offline licence.
var ErrLicence = fault.New(fault.NotFound, "licence_not_found", "There is no such licence.")

// Licence is an offline licence as it was issued.
type Licence struct {
	ID, Product, SigningKey string
	Customer                string // empty: none
	Company, Contact        string
	// LicenseeKey is company and contact, as they are looked for.
	LicenseeKey string
	// Confidential is the id of the handshake key in it, "value", or empty.
	Confidential string
	// Text is what the customer gets.
	Text, Note          string
	IssuedAt, ExpiresAt time.Time
	IssuedBy            string
	// Request is the nonce of the request that it was issued for; empty: not known.
	Request string
}

const licenceColumns = `SELECT id, product, signing_key, customer, company, contact, licensee_key, confidential, text, note, issued_at, expires_at, issued_by, request FROM licences `

func scanLicence(row scanner) (l Licence, err error) {
	var customer, request sql.NullString
	var issued, expires int64
	err = row.Scan(&l.ID, &l.Product, &l.SigningKey, &customer, &l.Company, &l.Contact, &l.LicenseeKey, &l.Confidential, &l.Text, &l.Note, &issued, &expires, &l.IssuedBy, &request)
	l.Customer, l.Request, l.IssuedAt, l.ExpiresAt = customer.String, request.String, db.FromMicros(issued), db.FromMicros(expires)
	return l, err
}

// Licence is the one with the id, or ErrLicence.
func (s *Store) Licence(ctx context.Context, id string) (Licence, error) {
	l, err := licence(ctx, s.db.Read, `WHERE id = $1`, id)
	if errors.Is(err, ErrLicence) {
		err = ErrLicence.Naming(id)
	}
	return l, err
}

func licence(ctx context.Context, q querier, where string, args ...any) (Licence, error) {
	l, err := scanLicence(q.QueryRowContext(ctx, licenceColumns+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return l, ErrLicence
	}
	if err != nil {
		return l, db.Coded(fmt.Errorf("read a licence: %w", err))
	}
	return l, nil
}

// LicenceFor is the last one that was issued for a request, or ErrLicence.
func (s *Store) LicenceFor(ctx context.Context, product, request string) (Licence, error) {
	return licence(ctx, s.db.Read, lastFor, product, request)
}

// LicenceForIn is LicenceFor in a transaction.
func (s *Store) LicenceForIn(ctx context.Context, tx *sql.Tx, product, request string) (Licence, error) {
	return licence(ctx, tx, lastFor, product, request)
}

const lastFor = `WHERE product = $1 AND request = $2 ORDER BY issued_at DESC, id DESC LIMIT 1`

// LicenceQuery says which licences a list has; what is empty or zero is any.
type LicenceQuery struct {
	Product, Customer string
	// Licensee is part of the company's or the contact's name, as catalogue.Key makes it.
	Licensee                             string
	IssuedFrom, IssuedTo, EndFrom, EndTo time.Time
	Limit, Offset                        int
}

// Licences lists licences, the last issued first, and says how many there are.
func (s *Store) Licences(ctx context.Context, q LicenceQuery) (all []Licence, total int, err error) {
	const where = `WHERE ($1 = '' OR product = $1) AND ($2 = '' OR customer = $2) AND licensee_key LIKE $3 ESCAPE '!'
		AND issued_at >= $4 AND issued_at < $5 AND expires_at >= $6 AND expires_at < $7 `
	from, to := span(q.IssuedFrom, q.IssuedTo)
	endFrom, endTo := span(q.EndFrom, q.EndTo)
	args := []any{q.Product, q.Customer, db.Containing(q.Licensee), from, to, endFrom, endTo}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM licences `+where, args...).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count licences: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list licences", scanLicence, licenceColumns+where+`ORDER BY issued_at DESC, id DESC LIMIT $8 OFFSET $9`, append(args, q.Limit, q.Offset)...)
	return all, total, err
}

// InsertLicence writes a licence.
func (s *Store) InsertLicence(ctx context.Context, tx *sql.Tx, l Licence) error {
	_, err := db.Change(ctx, tx, "write a licence", `INSERT INTO licences (id, product, signing_key, customer, company, contact, licensee_key, confidential, text, note, issued_at, expires_at, issued_by, request)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, l.ID, l.Product, l.SigningKey, text(l.Customer), l.Company, l.Contact, l.LicenseeKey,
		l.Confidential, l.Text, l.Note, db.Micros(l.IssuedAt), db.Micros(l.ExpiresAt), l.IssuedBy, text(l.Request))
	return err
}

// SetLicenceNote changes a licence's note.
func (s *Store) SetLicenceNote(ctx context.Context, tx *sql.Tx, id, note string) error {
	_, err := db.Change(ctx, tx, "change a licence", `UPDATE licences SET note = $1 WHERE id = $2`, note, id)
	return err
}
