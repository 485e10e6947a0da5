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

// ErrInvitation says that there is no such invitation, or none any more.
var ErrInvitation = fault.New(fault.Gone, "invitation_over", "This invitation was used already, was withdrawn, or is over. Ask for another.")

// Account is one of the service identity that sees what a customer has.
type Account struct {
	Customer, ID string
	// Name is what the person was called when the account was linked.
	Name     string
	LinkedAt time.Time
}

// Invitation is a link by which an account becomes one of a customer's, once.
type Invitation struct {
	ID, Customer string
	// Hash is the SHA-256 of what the link holds.
	Hash [32]byte
	// Email is where the letter went; empty: nowhere, or it was accepted.
	Email string
	// AcceptedBy is the account that accepted it; empty: none did.
	AcceptedBy      string
	MadeAt, UntilAt time.Time
}

// LinkAccount lets an account see what a customer has. False means that it does already.
func (s *Store) LinkAccount(ctx context.Context, tx *sql.Tx, a Account) (bool, error) {
	n, err := db.Change(ctx, tx, "link an account", `INSERT INTO customer_accounts (customer, account, name, linked_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (customer, account) DO NOTHING`, a.Customer, a.ID, a.Name, db.Micros(a.LinkedAt))
	return n == 1, err
}

// UnlinkAccount ends it, with the invitations that it accepted. False means that it was
// not linked.
func (s *Store) UnlinkAccount(ctx context.Context, tx *sql.Tx, customer, account string) (bool, error) {
	if _, err := db.Change(ctx, tx, "remove accepted invitations", `DELETE FROM invitations WHERE customer = $1 AND accepted_by = $2`, customer, account); err != nil {
		return false, err
	}
	n, err := db.Change(ctx, tx, "unlink an account", `DELETE FROM customer_accounts WHERE customer = $1 AND account = $2`, customer, account)
	return n == 1, err
}

// Accounts are those of a customer, the first first.
func (s *Store) Accounts(ctx context.Context, customer string) ([]Account, error) {
	return list(ctx, s.db.Read, "list the accounts of a customer", func(row scanner) (a Account, err error) {
		var at int64
		err = row.Scan(&a.Customer, &a.ID, &a.Name, &at)
		a.LinkedAt = db.FromMicros(at)
		return a, err
	}, `SELECT customer, account, name, linked_at FROM customer_accounts WHERE customer = $1 ORDER BY linked_at, account`, customer)
}

// CustomersOf are those whose things an account sees, by name.
func (s *Store) CustomersOf(ctx context.Context, account string) ([]Customer, error) {
	return list(ctx, s.db.Read, "list the customers of an account", scanCustomer, customerColumns+`WHERE EXISTS
		(SELECT 1 FROM customer_accounts a WHERE a.customer = c.id AND a.account = $1) ORDER BY c.name_key, c.id`, account)
}

// owned are the cards of an account's customers that are not in the recycle bin.
const owned = `WHERE c.deleted_at IS NULL AND c.customer IN (SELECT a.customer FROM customer_accounts a WHERE a.account = $1) `

// CardsOf are a page of an account's cards, the last made first, and how many there are
// in all.
func (s *Store) CardsOf(ctx context.Context, account string, limit, offset int) (all []Card, total int, err error) {
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM cards c `+owned, account).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count the cards of an account: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list the cards of an account", scanCard, cardColumns+owned+`ORDER BY c.made_at DESC, c.id LIMIT $2 OFFSET $3`, account, limit, offset)
	return all, total, err
}

// CardOf is one of an account's cards, or ErrCard.
func (s *Store) CardOf(ctx context.Context, account, id string) (Card, error) {
	return card(ctx, s.db.Read, owned+`AND c.id = $2`, account, id)
}

// CardOfIn is CardOf as the transaction sees it.
func (s *Store) CardOfIn(ctx context.Context, tx *sql.Tx, account, id string) (Card, error) {
	return card(ctx, tx, owned+`AND c.id = $2`, account, id)
}

// ownLicences are the offline licences of an account's customers.
const ownLicences = `WHERE customer IN (SELECT a.customer FROM customer_accounts a WHERE a.account = $1) `

// LicencesOf are a page of an account's offline licences, the last issued first, and how
// many there are in all.
func (s *Store) LicencesOf(ctx context.Context, account string, limit, offset int) (all []Licence, total int, err error) {
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM licences `+ownLicences, account).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count the licences of an account: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list the licences of an account", scanLicence, licenceColumns+ownLicences+`ORDER BY issued_at DESC, id DESC LIMIT $2 OFFSET $3`, account, limit, offset)
	return all, total, err
}

// LicenceOf is one of an account's offline licences, or ErrLicence.
func (s *Store) LicenceOf(ctx context.Context, account, id string) (Licence, error) {
	return licence(ctx, s.db.Read, ownLicences+`AND id = $2`, account, id)
}

const invitationColumns = `SELECT id, customer, hash, email, made_at, until_at, accepted_by FROM invitations `

func scanInvitation(row scanner) (i Invitation, err error) {
	var hash []byte
	var made, until int64
	var by sql.NullString
	err = row.Scan(&i.ID, &i.Customer, &hash, &i.Email, &made, &until, &by)
	copy(i.Hash[:], hash)
	i.AcceptedBy, i.MadeAt, i.UntilAt = by.String, db.FromMicros(made), db.FromMicros(until)
	return i, err
}

// InsertInvitation writes one.
func (s *Store) InsertInvitation(ctx context.Context, tx *sql.Tx, i Invitation) error {
	_, err := db.Change(ctx, tx, "write an invitation", `INSERT INTO invitations (id, customer, hash, email, made_at, until_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		i.ID, i.Customer, i.Hash[:], i.Email, db.Micros(i.MadeAt), db.Micros(i.UntilAt))
	return err
}

// Invitations are those of a customer that are open at a time, the last first.
func (s *Store) Invitations(ctx context.Context, customer string, now time.Time) ([]Invitation, error) {
	return list(ctx, s.db.Read, "list invitations", scanInvitation, invitationColumns+`WHERE customer = $1 AND until_at > $2 AND accepted_by IS NULL ORDER BY made_at DESC, id`, customer, db.Micros(now))
}

// InvitationByHash is the one whose link has the hash and is not over at a time, accepted
// or not, or ErrInvitation.
func (s *Store) InvitationByHash(ctx context.Context, hash [32]byte, now time.Time) (Invitation, error) {
	i, err := scanInvitation(s.db.Read.QueryRowContext(ctx, invitationColumns+`WHERE hash = $1 AND until_at > $2`, hash[:], db.Micros(now)))
	if errors.Is(err, sql.ErrNoRows) {
		return i, ErrInvitation
	}
	return i, db.Coded(err)
}

// AcceptInvitation notes who accepted an invitation, and forgets where its letter went.
// False means that it is not open: it was accepted, withdrawn or purged.
func (s *Store) AcceptInvitation(ctx context.Context, tx *sql.Tx, id, account string) (bool, error) {
	n, err := db.Change(ctx, tx, "accept an invitation", `UPDATE invitations SET accepted_by = $2, email = '' WHERE id = $1 AND accepted_by IS NULL`, id, account)
	return n == 1, err
}

// RemoveInvitation ends a customer's open invitation. False means that there is none: it
// was accepted, withdrawn or purged.
func (s *Store) RemoveInvitation(ctx context.Context, tx *sql.Tx, customer, id string) (bool, error) {
	n, err := db.Change(ctx, tx, "remove an invitation", `DELETE FROM invitations WHERE customer = $1 AND id = $2 AND accepted_by IS NULL`, customer, id)
	return n == 1, err
}

// PurgeInvitations removes those that are over at a time.
func (s *Store) PurgeInvitations(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := db.Change(ctx, tx, "remove invitations that are over", `DELETE FROM invitations WHERE until_at <= $1`, db.Micros(now))
	return err
}
