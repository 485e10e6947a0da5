package main

import (
	"context"
	"fmt"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseLicenceCommand struct {
	List licenseLicenceListCommand `cmd:"" help:"List offline licences, the last issued first."`
	Show licenseLicenceShowCommand `cmd:"" help:"Show one offline licence."`
	Text licenseLicenceTextCommand `cmd:"" help:"Write an offline licence once more."`
	Note licenseLicenceNoteCommand `cmd:"" help:"Give an offline licence another note."`
}

type licenseLicenceListCommand struct {
	place    `embed:""`
	Query    string `help:"Part of the company's or the contact's name." short:"q" placeholder:"TEXT"`
	Product  string `help:"The product's code or id." placeholder:"PRODUCT"`
	Customer string `help:"The customer's id or exact name." placeholder:"CUSTOMER"`
	Since    string `help:"Issued on this day or later, or at this time or later; UTC." placeholder:"TIME"`
	Until    string `help:"Issued before this day or time; UTC." placeholder:"TIME"`
	EndsTo   string `help:"Ends before this day or time; UTC." placeholder:"TIME"`
	listed   `embed:""`
}

// Help is the long text of --help.
func (licenseLicenceListCommand) Help() string { return exitHelp }

// Run reads page after page.
func (c *licenseLicenceListCommand) Run(ctx context.Context, t terminal) error {
	r := manage.LicenceRequest{Text: c.Query, Product: c.Product, Limit: pageSize}
	for _, x := range []struct {
		flag, text string
		into       *time.Time
	}{{"--since", c.Since, &r.IssuedFrom}, {"--until", c.Until, &r.IssuedTo}, {"--ends-to", c.EndsTo, &r.EndsTo}} {
		at, _, err := moment(x.flag, x.text)
		if err != nil {
			return err
		}
		*x.into = at
	}
	return c.license(ctx, t, func(client *manage.Client) (err error) {
		if r.Customer, err = findCustomer(ctx, client, "--customer", c.Customer); err != nil {
			return err
		}
		return printPages(t, c.listed, "", func(offset int) ([]manage.Licence, int, error) {
			r.Offset = offset
			page, err := client.Licences(ctx, r)
			if err != nil {
				return nil, 0, err
			}
			return page.Licences, page.Total, nil
		}, func(l manage.Licence) (id, line string) {
			return l.ID, fmt.Sprintf("%s  %s  until %s  %s", l.ID, l.IssuedAt.Format(time.DateOnly), l.ExpiresAt.Format(time.RFC3339), oneLine(l.Company))
		})
	})
}

// licenceArgument names an offline licence.
type licenceArgument struct {
	ID string `arg:"" help:"The licence's id."`
}

type licenseLicenceShowCommand struct {
	place           `embed:""`
	licenceArgument `embed:""`
	JSON            bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseLicenceShowCommand) Help() string { return exitHelp }

// Run prints it.
func (c *licenseLicenceShowCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		l, err := client.Licence(ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(l)
		}
		for _, x := range []struct{ name, text string }{{"id", l.ID}, {"product", l.Product}, {"company", l.Company}, {"contact", l.Contact}, {"customer", l.Customer},
			{"issued", stamp(l.IssuedAt)}, {"by", l.IssuedBy}, {"expires", stamp(l.ExpiresAt)}, {"signed by", l.SigningKey}, {"confidential", l.Confidential}, {"note", l.Note}} {
			if x.text != "" {
				t.printf("%-12s  %s\n", x.name, oneLine(x.text))
			}
		}
		return nil
	})
}

type licenseLicenceTextCommand struct {
	place           `embed:""`
	licenceArgument `embed:""`
	Out             string `help:"Where the licence goes: a new file, or - for standard output." default:"-" placeholder:"FILE"`
}

// Help is the long text of --help.
func (licenseLicenceTextCommand) Help() string { return exitHelp }

// Run writes it.
func (c *licenseLicenceTextCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		return writeSecret(t, c.Out, func() ([]byte, error) {
			text, err := client.LicenceText(ctx, c.ID)
			if err != nil {
				return nil, err
			}
			return []byte(text.Text), nil
		})
	})
}

type licenseLicenceNoteCommand struct {
	place           `embed:""`
	licenceArgument `embed:""`
	Note            string `arg:"" help:"The note; an empty one removes it."`
}

// Help is the long text of --help.
func (licenseLicenceNoteCommand) Help() string { return exitHelp }

// Run changes it.
func (c *licenseLicenceNoteCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		l, err := client.UpdateLicence(ctx, c.ID, manage.LicenceNote{Note: c.Note})
		if err != nil {
			return err
		}
		t.printf("changed %s\n", l.ID)
		return nil
	})
}
