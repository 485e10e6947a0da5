package main

import (
	"context"
	"strings"

	"guildhall/sdk/go/license/manage"
)

type licenseCustomerInviteCommand struct {
	place    `embed:""`
	Customer string `arg:"" help:"The customer's id or exact name."`
	Email    string `help:"Write the link to this address." placeholder:"EMAIL"`
	Language string `help:"Language of the letter: en, zh or pl." enum:"en,zh,pl" default:"en"`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCustomerInviteCommand) Help() string {
	return "Prints a link that is good once and for seven days. Whoever opens it first signs in, and sees the customer's cards from then on.\n\n" + exitHelp
}

// Run invites.
func (c *licenseCustomerInviteCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		id, err := findCustomer(ctx, client, "CUSTOMER", c.Customer)
		if err != nil {
			return err
		}
		made, err := client.Invite(ctx, id, manage.InvitationFields{Email: c.Email, Language: c.Language})
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, made.Link, made)
	})
}

type licenseCustomerAccountsCommand struct {
	place    `embed:""`
	Customer string `arg:"" help:"The customer's id or exact name."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCustomerAccountsCommand) Help() string { return exitHelp }

// Run lists them.
func (c *licenseCustomerAccountsCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		id, err := findCustomer(ctx, client, "CUSTOMER", c.Customer)
		if err != nil {
			return err
		}
		all, err := client.Accounts(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(all)
		}
		for _, a := range all.Accounts {
			t.printf("%s  since %s  %s\n", a.ID, stamp(a.LinkedAt), oneLine(a.Name))
		}
		for _, i := range all.Invitations {
			t.printf("%s  until %s  %s\n", i.ID, stamp(i.Until), oneLine(i.Email))
		}
		return nil
	})
}

type licenseCustomerUnlinkCommand struct {
	place    `embed:""`
	Customer string `arg:"" help:"The customer's id or exact name."`
	ID       string `arg:"" help:"The id of an account, or of an invitation to withdraw."`
}

// Help is the long text of --help.
func (licenseCustomerUnlinkCommand) Help() string {
	return "The customer's cards go on; nobody but who looks at them changes.\n\n" + exitHelp
}

// Run ends it.
func (c *licenseCustomerUnlinkCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		id, err := findCustomer(ctx, client, "CUSTOMER", c.Customer)
		if err != nil {
			return err
		}
		end := client.UnlinkAccount
		if strings.HasPrefix(c.ID, "inv_") {
			end = client.WithdrawInvitation
		}
		if err := end(ctx, id, c.ID); err != nil {
			return err
		}
		t.printf("removed %s\n", c.ID)
		return nil
	})
}
