package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseIssueCommand struct {
	place       `embed:""`
	Request     string   `arg:"" help:"File of the request: the JSON that the customer's machine made, or YAML."`
	Product     string   `help:"The product's code or id (default: the request names it)." placeholder:"PRODUCT"`
	From        string   `help:"When it begins: a day (2027-01-31) or a time; UTC (default: at once)." placeholder:"TIME"`
	To          string   `help:"When it is over: a day, which is in it, or a time; UTC." required:"" placeholder:"TIME"`
	Module      []string `help:"A module that is granted (default: those that the request asks for)." sep:"none" placeholder:"NAME"`
	Users       *int     `help:"How many users, 0: any number (default: as the request asks)." placeholder:"N"`
	VersionFrom string   `help:"First version of the program." placeholder:"VERSION"`
	VersionTo   string   `help:"Last version: 2 includes 2.9.1." placeholder:"VERSION"`
	AnyMachine  bool     `help:"Bind it to no machine."`
	Release     string   `help:"Hand out this release's handshake key as the confidential part." placeholder:"VERSION" xor:"confidential"`
	Value       string   `help:"Hand out what is in this file, up to 4096 bytes." placeholder:"FILE" xor:"confidential"`
	Again       bool     `help:"Issue another licence for a request that had one before."`
	Customer    string   `help:"The customer's id or exact name." placeholder:"CUSTOMER"`
	Note        string   `help:"For yourselves; not in the licence." placeholder:"TEXT"`
	Preview     bool     `help:"Only show what would be issued."`
	Out         string   `help:"Where the licence goes: a new file, or - for standard output." default:"-" placeholder:"FILE"`
	JSON        bool     `name:"json" help:"Print what was issued, or would be, as JSON."`
}

// Help is the long text of --help.
func (licenseIssueCommand) Help() string {
	return "The confidential part opens with the install key that made the request. Machines without one open it with a code, which is printed once on standard error (or as \"code\" of --json) and kept nowhere: tell it to the customer by another way than the licence.\n\n" + exitHelp
}

// Validate refuses times that are none, and a file for a preview.
func (c *licenseIssueCommand) Validate() error {
	if c.Out != "-" && c.Preview {
		return errors.New("--preview writes no file: leave out --out")
	}
	_, _, from := moment("--from", c.From)
	_, _, to := moment("--to", c.To)
	return cmp.Or(from, to)
}

// Run issues it.
func (c *licenseIssueCommand) Run(ctx context.Context, t terminal) error {
	order, err := c.order()
	if err != nil {
		return err
	}
	return c.license(ctx, t, func(client *manage.Client) error {
		if order.Customer, err = findCustomer(ctx, client, "--customer", c.Customer); err != nil {
			return err
		}
		if c.Preview {
			return c.preview(ctx, t, client, order)
		}
		return c.issue(ctx, t, client, order)
	})
}

func (c *licenseIssueCommand) order() (o manage.LicenceOrder, err error) {
	o = manage.LicenceOrder{Product: c.Product, Users: c.Users, VersionFrom: c.VersionFrom, VersionTo: c.VersionTo, AnyMachine: c.AnyMachine, Again: c.Again, Release: c.Release, Note: c.Note}
	if o.Request, err = readText("REQUEST", c.Request); err != nil {
		return o, err
	}
	if len(c.Module) > 0 {
		o.Modules = &c.Module
	}
	if c.Value != "" {
		if o.Value, err = os.ReadFile(c.Value); err != nil {
			return o, unreadable("--value", c.Value, err)
		}
	}
	if o.From, _, err = moment("--from", c.From); err != nil {
		return o, err
	}
	var day bool
	if o.To, day, err = moment("--to", c.To); day {
		o.To = o.To.AddDate(0, 0, 1)
	}
	return o, err
}

func (c *licenseIssueCommand) preview(ctx context.Context, t terminal, client *manage.Client, o manage.LicenceOrder) error {
	d, err := client.PreviewLicence(ctx, o)
	if err != nil {
		return err
	}
	if c.JSON {
		return t.json(d)
	}
	printClaims(t, d.Claims)
	t.printf("%-14s%s\n", "signed by", d.SigningKey)
	if d.Confidential != "" {
		t.printf("%-14s%s\n", "confidential", d.Confidential)
	}
	for _, node := range d.SealedTo {
		t.printf("%-14s%s\n", "sealed to", node)
	}
	if d.Code {
		t.printf("%-14s%s\n", "sealed to", "a code, printed when it is issued")
	}
	warnKeyOnly(t, d.KeyOnly)
	if d.Earlier != "" {
		t.warn("this request was issued before, as " + d.Earlier + ": another licence for it needs --again")
	}
	return nil
}

// issue makes the file first, so that no licence is without a place.
func (c *licenseIssueCommand) issue(ctx context.Context, t terminal, client *manage.Client, o manage.LicenceOrder) error {
	out, err := newKeyFile("--out", c.Out, t)
	if err != nil {
		return err
	}
	made, err := client.IssueLicence(ctx, o)
	if err != nil {
		return out.discard(err)
	}
	if c.JSON && c.Out == "-" {
		return t.json(made)
	}
	if err := out.write([]byte(made.Text)); err != nil {
		return err
	}
	if c.JSON {
		return t.json(made)
	}
	if c.Out != "-" {
		t.printf("%s  until %s\n", made.ID, made.ExpiresAt.Format(time.RFC3339))
	}
	warnKeyOnly(t, made.KeyOnly)
	if made.Code != "" {
		t.warn("the confidential part opens with this code, which is kept nowhere: " + made.Code)
	}
	return nil
}
