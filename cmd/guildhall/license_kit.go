package main

import (
	"context"
	"encoding/json"

	"guildhall/sdk/go/license/manage"
)

type licenseKitCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Out             string `help:"Where the kit goes, as JSON: a new file, or - for standard output." required:"" placeholder:"FILE"`
}

// Help is the long text of --help.
func (licenseKitCommand) Help() string {
	return "The kit holds the addresses, the product's root key, the shared key of now and the signed configuration; sdk/go/license and sdk/python read it.\n\n" + exitHelp
}

// Run writes it.
func (c *licenseKitCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		return writeSecret(t, c.Out, func() ([]byte, error) {
			kit, err := client.Kit(ctx, c.Product)
			if err != nil {
				return nil, err
			}
			text, err := json.MarshalIndent(kit, "", "  ")
			return append(text, '\n'), err
		})
	})
}
