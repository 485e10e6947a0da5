package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseKeyCommand struct {
	List   licenseKeyListCommand   `cmd:"" help:"List the keys that sign a product's offline licences, the last made first."`
	Add    licenseKeyAddCommand    `cmd:"" help:"Make a signing key, and print its id."`
	Rotate licenseKeyRotateCommand `cmd:"" help:"Let the next key sign, and print its id."`
	Export licenseKeyExportCommand `cmd:"" help:"Write the public keys that the program embeds."`
	Retire licenseKeyRetireCommand `cmd:"" help:"Take a key out of those that the program embeds."`
}

type licenseKeyListCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	JSON            bool `name:"json" help:"Print a JSON array." xor:"form"`
	IDs             bool `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (licenseKeyListCommand) Help() string {
	return "A key is next (it signs after a rotation), signing, old (it verifies what it signed), retired or revoked (it was stolen).\n\n" + exitHelp
}

// Run lists them.
func (c *licenseKeyListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := client.SigningKeys(ctx, c.Product)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list.Keys, func(k manage.SigningKey) (id, line string) {
			return k.ID, fmt.Sprintf("%s  %-8s  %s", k.ID, k.State, k.Since.Format(time.RFC3339))
		})
	})
}

type licenseKeyAddCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	JSON            bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseKeyAddCommand) Help() string {
	return "The first key of a product signs at once. Another one is the next: export the public keys, ship a release that has them, then rotate.\n\n" + exitHelp
}

// Run makes it.
func (c *licenseKeyAddCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		k, err := client.AddSigningKey(ctx, c.Product)
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, k.ID, k)
	})
}

type licenseKeyRotateCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Yes             bool `help:"Also without a next key: make one, which no program knows yet."`
	JSON            bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseKeyRotateCommand) Help() string {
	return "The next key signs, which programs know already: \"guildhall license key add\" made it, and the public keys were exported and shipped. The key before goes on to verify what it signed; its private half is removed.\n\n" + exitHelp
}

// Run rotates at once.
func (c *licenseKeyRotateCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		all, err := client.SigningKeys(ctx, c.Product)
		if err != nil {
			return err
		}
		if !c.Yes && !slices.ContainsFunc(all.Keys, func(k manage.SigningKey) bool { return k.State == "next" }) {
			return errNoNextKey
		}
		k, err := client.RotateSigningKey(ctx, c.Product)
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, k.ID, k)
	})
}

var errNoNextKey = errors.New("there is no next key, and programs that were shipped refuse licences of a key that they do not know: " +
	"make it by \"guildhall license key add\", export and ship the public keys, and rotate then; say --yes to do it now, when the present key is in wrong hands")

type licenseKeyExportCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Out             string `help:"Where the keys go, as JSON: a new file, or - for standard output." required:"" placeholder:"FILE"`
}

// Help is the long text of --help.
func (licenseKeyExportCommand) Help() string {
	return "The file holds the key that signs, the next one, and those before that were not retired. It is no secret.\n\n" + exitHelp
}

// Run writes the file.
func (c *licenseKeyExportCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		return writeSecret(t, c.Out, func() ([]byte, error) {
			set, err := client.KeySet(ctx, c.Product)
			if err != nil {
				return nil, err
			}
			return set.Text()
		})
	})
}

type licenseKeyRetireCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	ID              string `arg:"" help:"The key's id."`
	Stolen          bool   `help:"It is in wrong hands."`
	Yes             bool   `help:"Do it: programs come to refuse the licences that it signed."`
	JSON            bool   `name:"json" help:"Print JSON."`
}

// Validate wants it said twice: a key that is retired stays so.
func (c *licenseKeyRetireCommand) Validate() error {
	if !c.Yes {
		return errors.New("programs that are built with the keys as exported from now on refuse all licences of this key, and it cannot be undone; say --yes to do it")
	}
	return nil
}

// Help is the long text of --help.
func (licenseKeyRetireCommand) Help() string {
	return "Programs that embed the keys as they are exported from now on refuse its licences. It cannot be undone. A key that signs is rotated first.\n\n" + exitHelp
}

// Run retires it.
func (c *licenseKeyRetireCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		k, err := client.RetireSigningKey(ctx, c.Product, c.ID, manage.SigningKeyRetirement{Stolen: c.Stolen})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(k)
		}
		t.printf("%s  %s\n", k.ID, k.State)
		return nil
	})
}
