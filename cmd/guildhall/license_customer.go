package main

import (
	"context"
	"errors"
	"fmt"

	"guildhall/sdk/go/license/manage"
)

type licenseCustomerCommand struct {
	Add      licenseCustomerAddCommand      `cmd:"" help:"Make a customer, and print the id."`
	List     licenseCustomerListCommand     `cmd:"" help:"List customers, by name."`
	Update   licenseCustomerUpdateCommand   `cmd:"" help:"Change what is known of a customer."`
	Invite   licenseCustomerInviteCommand   `cmd:"" help:"Invite somebody to see what a customer has, and print the link."`
	Accounts licenseCustomerAccountsCommand `cmd:"" help:"List who sees what a customer has, and who is invited."`
	Unlink   licenseCustomerUnlinkCommand   `cmd:"" help:"End what an account sees of a customer, or an invitation."`
}

type licenseCustomerAddCommand struct {
	place `embed:""`
	Name  string `arg:"" help:"The name; no two customers have the same."`
	Email string `help:"E-mail address." placeholder:"EMAIL"`
	Note  string `help:"Whatever should be known." placeholder:"TEXT"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCustomerAddCommand) Help() string { return exitHelp }

// Run makes it.
func (c *licenseCustomerAddCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		made, err := client.CreateCustomer(ctx, manage.CustomerFields{Name: c.Name, Email: c.Email, Note: c.Note})
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, made.ID, made)
	})
}

type licenseCustomerListCommand struct {
	place `embed:""`
	Query string `help:"Text in name or address." short:"q" placeholder:"TEXT"`
	Limit int    `help:"At most so many; 0: all." default:"0" placeholder:"N"`
	JSON  bool   `name:"json" help:"Print a JSON array." xor:"form"`
	IDs   bool   `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (licenseCustomerListCommand) Help() string { return exitHelp }

// Validate refuses a number of customers that cannot be.
func (c *licenseCustomerListCommand) Validate() error { return checkLimit(c.Limit) }

// Run reads page after page.
func (c *licenseCustomerListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := c.read(ctx, client)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list, func(x manage.Customer) (id, line string) {
			return x.ID, fmt.Sprintf("%s  %6d cards  %s", x.ID, x.Cards, oneLine(x.Name))
		})
	})
}

func (c *licenseCustomerListCommand) read(ctx context.Context, client *manage.Client) ([]manage.Customer, error) {
	return readAll(c.Limit, func(offset int) ([]manage.Customer, int, error) {
		page, err := client.Customers(ctx, manage.CustomerRequest{Text: c.Query, Limit: pageSize, Offset: offset})
		if err != nil {
			return nil, 0, err
		}
		return page.Customers, page.Total, nil
	})
}

// findCustomer is the id of the customer with the id or the name; empty stays so.
func findCustomer(ctx context.Context, client *manage.Client, argument, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	all, err := (&licenseCustomerListCommand{}).read(ctx, client)
	if err != nil {
		return "", err
	}
	return named(all, argument, "customer", text, func(x manage.Customer) (id, name string) { return x.ID, x.Name })
}

type licenseCustomerUpdateCommand struct {
	place    `embed:""`
	Customer string  `arg:"" help:"The customer's id or exact name."`
	Name     *string `help:"Another name." placeholder:"TEXT"`
	Email    *string `help:"Another address; an empty one removes it." placeholder:"EMAIL"`
	Note     *string `help:"Another note; an empty one removes it." placeholder:"TEXT"`
}

// Help is the long text of --help.
func (licenseCustomerUpdateCommand) Help() string { return "Changes what is given.\n\n" + exitHelp }

// Validate wants to know what to change.
func (c *licenseCustomerUpdateCommand) Validate() error {
	if c.Name == nil && c.Email == nil && c.Note == nil {
		return errors.New("give --name, --email or --note: without them nothing would change")
	}
	return nil
}

// Run changes it.
func (c *licenseCustomerUpdateCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		id, err := findCustomer(ctx, client, "CUSTOMER", c.Customer)
		if err != nil {
			return err
		}
		x, err := client.Customer(ctx, id)
		if err != nil {
			return err
		}
		if _, err = client.UpdateCustomer(ctx, id, manage.CustomerFields{Name: given(c.Name, x.Name), Email: given(c.Email, x.Email), Note: given(c.Note, x.Note)}); err != nil {
			return err
		}
		t.printf("changed %s\n", id)
		return nil
	})
}
