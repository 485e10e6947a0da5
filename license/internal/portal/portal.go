// Package portal lets customers see what they have: an account of the service identity
// becomes one of a customer's by an invitation, and sees the customer's cards from then on.
package portal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"strings"
	"time"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
	"guildhall/platform/mail"
)

const (
	// InvitationLife is how long the link of an invitation is good.
	InvitationLife = 7 * 24 * time.Hour
	// maxOpen is how many invitations of a customer are open at once.
	maxOpen = 20
	// Letter is the template of an invitation's letter.
	Letter = "license.invited"
	// Path is where the link of an invitation leads, on the service's host.
	Path = "/mine/invitation"
)

// Errors of the desk; store.ErrInvitation is another.
var (
	ErrManyInvitations = fault.New(fault.Conflict, "invitations_many", "There are %d open invitations of this customer. Withdraw one first.", maxOpen)
	ErrAccount         = fault.New(fault.NotFound, "account_not_linked", "The account is none of this customer's.")
)

// ErrAccepted says that the account accepted this invitation already: it needs no other.
var ErrAccepted = errors.New("the account accepted the invitation already")

// Desk invites and links accounts. It is safe for concurrent use.
type Desk struct {
	Store   *store.Store
	Journal *audit.Journal
	// Mail sends a letter with the transaction.
	Mail func(ctx context.Context, tx *sql.Tx, m mail.Message) error
	// URL is the service's public address, without final slash.
	URL string
	Now func() time.Time
}

func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }

// Invite makes the link by which one account becomes one of the customer's, and writes it
// to an address, in a language that letters know; an empty address: to nobody. The link is
// readable in the answer and in the letter alone. A wrong field is called "email".
func (d *Desk) Invite(ctx context.Context, customer, email, language string, by audit.Caller) (i store.Invitation, link string, err error) {
	email = strings.TrimSpace(email)
	if _, err := mail.ParseAddress(email); email != "" && err != nil {
		return i, "", fault.Fields(fault.Field{Name: "email", Code: "email", Detail: "This is no e-mail address."})
	}
	c, err := d.Store.Customer(ctx, customer)
	if err != nil {
		return i, "", err
	}
	open, err := d.Store.Invitations(ctx, customer, d.now())
	if err != nil {
		return i, "", err
	}
	if len(open) >= maxOpen {
		return i, "", ErrManyInvitations
	}
	token := rand.Text()
	i = store.Invitation{ID: id.New("inv"), Customer: customer, Hash: sha256.Sum256([]byte(token)), Email: email, MadeAt: d.now(), UntilAt: d.now().Add(InvitationLife)}
	link = d.URL + Path + "?link=" + token
	return i, link, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		if err := d.Store.InsertInvitation(ctx, tx, i); err != nil {
			return err
		}
		if email != "" {
			// No name of the reader: nobody has shown that the address is the customer's.
			letter := mail.Message{To: email, Language: language, Template: Letter, Until: i.UntilAt,
				Data: map[string]any{"Link": link, "Customer": c.Name, "Days": int(InvitationLife.Hours() / 24)}}
			if err := d.Mail(ctx, tx, letter); err != nil {
				return err
			}
		}
		return d.Journal.Append(ctx, tx, by, journal.CustomerInvited, customer, map[string]any{"invitation": i.ID, "by_letter": email != ""})
	})
}

// Withdraw ends an invitation that nobody has used yet.
func (d *Desk) Withdraw(ctx context.Context, customer, invitation string, by audit.Caller) error {
	return d.Journal.Write(ctx, func(tx *sql.Tx) error {
		removed, err := d.Store.RemoveInvitation(ctx, tx, customer, invitation)
		if err != nil {
			return err
		}
		if !removed {
			return store.ErrInvitation
		}
		return d.Journal.Append(ctx, tx, by, journal.InvitationWithdrawn, customer, map[string]any{"invitation": invitation})
	})
}

// open is the invitation of a link's token, or ErrAccepted if the account accepted it
// already, or store.ErrInvitation.
func (d *Desk) open(ctx context.Context, token, account string) (store.Invitation, error) {
	i, err := d.Store.InvitationByHash(ctx, sha256.Sum256([]byte(token)), d.now())
	switch {
	case err != nil || i.AcceptedBy == "":
		return i, err
	case i.AcceptedBy == account:
		return i, ErrAccepted
	}
	return i, store.ErrInvitation
}

// Invited is the customer that a link's token invites an account to. The error is
// ErrAccepted if the account accepted already, or store.ErrInvitation. Looking uses
// nothing up.
func (d *Desk) Invited(ctx context.Context, token, account string) (store.Customer, error) {
	i, err := d.open(ctx, token, account)
	if err != nil {
		return store.Customer{}, err
	}
	return d.Store.Customer(ctx, i.Customer)
}

// Accept uses the token of a link up: the account is one of the customer's from now on.
// The name is the person's. The errors are those of Invited.
func (d *Desk) Accept(ctx context.Context, token, account, name string, by audit.Caller) error {
	i, err := d.open(ctx, token, account)
	if err != nil {
		return err
	}
	return d.Journal.Write(ctx, func(tx *sql.Tx) error {
		accepted, err := d.Store.AcceptInvitation(ctx, tx, i.ID, account)
		if err != nil {
			return err
		}
		if !accepted {
			return store.ErrInvitation
		}
		if _, err := d.Store.LinkAccount(ctx, tx, store.Account{Customer: i.Customer, ID: account, Name: name, LinkedAt: d.now()}); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.AccountLinked, i.Customer, map[string]any{"invitation": i.ID, "account": account})
	})
}

// Unlink ends what an account sees of a customer.
func (d *Desk) Unlink(ctx context.Context, customer, account string, by audit.Caller) error {
	return d.Journal.Write(ctx, func(tx *sql.Tx) error {
		was, err := d.Store.UnlinkAccount(ctx, tx, customer, account)
		if err != nil {
			return err
		}
		if !was {
			return ErrAccount
		}
		return d.Journal.Append(ctx, tx, by, journal.AccountUnlinked, customer, map[string]any{"account": account})
	})
}

// Purge forgets invitations that are over: they hold addresses.
func (d *Desk) Purge(ctx context.Context) error {
	return d.Journal.DB.WithTx(ctx, func(tx *sql.Tx) error { return d.Store.PurgeInvitations(ctx, tx, d.now()) })
}
