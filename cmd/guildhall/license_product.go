package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseProductCommand struct {
	Add    licenseProductAddCommand    `cmd:"" help:"Make a product, and print its id."`
	List   licenseProductListCommand   `cmd:"" help:"List products, by code."`
	Show   licenseProductShowCommand   `cmd:"" help:"Show one product."`
	Update licenseProductUpdateCommand `cmd:"" help:"Give a product another name or note."`
}

type licenseProductAddCommand struct {
	place `embed:""`
	Code  string `arg:"" help:"Its name in what clients send: small letters, digits and dashes. It never changes."`
	Name  string `arg:"" help:"Its name for people."`
	Note  string `help:"Whatever should be known of it." placeholder:"TEXT"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseProductAddCommand) Help() string { return exitHelp }

// Run makes it.
func (c *licenseProductAddCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		made, err := client.CreateProduct(ctx, manage.ProductCreate{Code: c.Code, ProductFields: manage.ProductFields{Name: c.Name, Note: c.Note}})
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, made.ID, made)
	})
}

// printMade prints what was made: its id, or all of it as JSON.
func printMade(t terminal, asJSON bool, id string, made any) error {
	if asJSON {
		return t.json(made)
	}
	t.printf("%s\n", id)
	return nil
}

type licenseProductListCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print a JSON array." xor:"form"`
	IDs   bool `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (licenseProductListCommand) Help() string { return exitHelp }

// Run lists them.
func (c *licenseProductListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := client.Products(ctx)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list.Products, func(p manage.Product) (id, line string) {
			return p.ID, fmt.Sprintf("%s  %-16s  %s", p.ID, p.Code, oneLine(p.Name))
		})
	})
}

// productCodes are the codes of all products by id, for lists.
func productCodes(ctx context.Context, client *manage.Client) (map[string]string, error) {
	list, err := client.Products(ctx)
	if err != nil {
		return nil, err
	}
	codes := map[string]string{}
	for _, p := range list.Products {
		codes[p.ID] = p.Code
	}
	return codes, nil
}

// productArgument names a product.
type productArgument struct {
	Product string `arg:"" help:"The product's code or id."`
}

type licenseProductShowCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	JSON            bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseProductShowCommand) Help() string { return exitHelp }

// Run prints it.
func (c *licenseProductShowCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		p, err := client.Product(ctx, c.Product)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(p)
		}
		t.printf("id    %s\ncode  %s\nname  %s\nmade  %s\n", p.ID, p.Code, oneLine(p.Name), p.MadeAt.Format(time.RFC3339))
		if p.Note != "" {
			t.printf("note  %s\n", p.Note)
		}
		return nil
	})
}

type licenseProductUpdateCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Name            *string `help:"Another name." placeholder:"TEXT"`
	Note            *string `help:"Another note; an empty one removes it." placeholder:"TEXT"`
}

// Help is the long text of --help.
func (licenseProductUpdateCommand) Help() string { return "Changes what is given.\n\n" + exitHelp }

// Validate wants to know what to change.
func (c *licenseProductUpdateCommand) Validate() error {
	if c.Name == nil && c.Note == nil {
		return errors.New("give --name, --note or both: without them nothing would change")
	}
	return nil
}

// Run changes it.
func (c *licenseProductUpdateCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		p, err := client.Product(ctx, c.Product)
		if err != nil {
			return err
		}
		if _, err = client.UpdateProduct(ctx, p.ID, manage.ProductFields{Name: given(c.Name, p.Name), Note: given(c.Note, p.Note)}); err != nil {
			return err
		}
		t.printf("changed %s\n", p.ID)
		return nil
	})
}

// given is the value of a flag, or what was before.
func given[T any](flag *T, before T) T {
	if flag == nil {
		return before
	}
	return *flag
}
