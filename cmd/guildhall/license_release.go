package main

import (
	"context"
	"fmt"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseReleaseCommand struct {
	Add    licenseReleaseAddCommand    `cmd:"" help:"Make a release with a handshake key, and print the key's id."`
	List   licenseReleaseListCommand   `cmd:"" help:"List the releases of a product, the newest first."`
	Rotate licenseReleaseRotateCommand `cmd:"" help:"Give a release another handshake key, and print its id."`
	Key    licenseReleaseKeyCommand    `cmd:"" help:"Write a handshake key of a release, to encrypt its data with."`
}

type licenseReleaseAddCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Version         string `arg:"" help:"The version: numbers with points between, such as 2.4.1 or 2.4.1-rc1."`
	Note            string `help:"Whatever should be known of it." placeholder:"TEXT"`
	JSON            bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseReleaseAddCommand) Help() string { return exitHelp }

// Run makes it.
func (c *licenseReleaseAddCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		made, err := client.CreateRelease(ctx, c.Product, manage.ReleaseCreate{Version: c.Version, Note: c.Note})
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, made.Keys[0].ID, made)
	})
}

type licenseReleaseListCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	JSON            bool `name:"json" help:"Print a JSON array."`
}

// Help is the long text of --help.
func (licenseReleaseListCommand) Help() string { return exitHelp }

// Run lists them, each with its current key.
func (c *licenseReleaseListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := client.Releases(ctx, c.Product)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, false, list.Releases, func(r manage.Release) (id, line string) {
			return r.ID, fmt.Sprintf("%-16s  %s  %s", r.Version, r.MadeAt.Format(time.RFC3339), r.Keys[0].ID)
		})
	})
}

type licenseReleaseRotateCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Version         string `arg:"" help:"The version."`
	JSON            bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseReleaseRotateCommand) Help() string {
	return "Data that is encrypted from now on takes the new key; the keys before go on for what was encrypted under them, in programs that ask for them by their id. A program that asks without an id is given the new key from now on.\n\n" + exitHelp
}

// Run rotates at once.
func (c *licenseReleaseRotateCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		r, err := client.RotateHandshakeKey(ctx, c.Product, c.Version)
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, r.Keys[0].ID, r)
	})
}

type licenseReleaseKeyCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Version         string `arg:"" help:"The version."`
	Key             string `help:"The id of the key; without one, the current one." placeholder:"ID"`
	Out             string `help:"Where the key goes, as 32 bytes: a new file, or - for standard output." required:"" placeholder:"FILE"`
}

// Help is the long text of --help.
func (licenseReleaseKeyCommand) Help() string {
	return "Whoever has the key opens the release's data without a licence. The file is readable for its owner alone, and the audit log notes it.\n\n" + exitHelp
}

// Run writes it.
func (c *licenseReleaseKeyCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		return writeSecret(t, c.Out, func() ([]byte, error) {
			k, err := client.HandshakeKey(ctx, c.Product, c.Version, c.Key)
			if err != nil {
				return nil, err
			}
			return k.Key, nil
		})
	})
}
