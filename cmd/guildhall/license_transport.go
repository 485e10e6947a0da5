package main

import (
	"context"
	"fmt"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseTransportCommand struct {
	List   licenseTransportListCommand   `cmd:"" help:"List the keys of a product that seal requests and sign answers."`
	Rotate licenseTransportRotateCommand `cmd:"" help:"Make another key at once, and print its id."`
	End    licenseTransportEndCommand    `cmd:"" help:"End a key that is in wrong hands."`
}

type licenseTransportListCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	JSON            bool `name:"json" help:"Print a JSON array."`
}

// Help is the long text of --help.
func (licenseTransportListCommand) Help() string { return exitHelp }

// Run lists them by kind and age.
func (c *licenseTransportListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := client.TransportKeys(ctx, c.Product)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, false, list.Keys, func(k manage.TransportKey) (id, line string) {
			to := "until it is ended"
			if !k.To.IsZero() {
				to = k.To.Format(time.RFC3339)
			}
			return k.ID, fmt.Sprintf("%s  %-6s  %s  %s", k.ID, k.Kind, k.From.Format(time.RFC3339), to)
		})
	})
}

type licenseTransportRotateCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Kind            string `arg:"" enum:"answer,hpke,psk,kit" help:"answer (signs answers), hpke (requests are sealed to it), psk (shared, of the week) or kit (shared, in kits)."`
	End             bool   `help:"Those before are in wrong hands, and of no use from now on."`
}

// Help is the long text of --help.
func (licenseTransportRotateCommand) Help() string {
	return "Keys follow each other by themselves, but for the one in kits: it is good until it is ended. Another for each version of a program keeps the harm of one that leaked small.\n\n" + exitHelp
}

// Run makes it.
func (c *licenseTransportRotateCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		if err := client.RotateTransportKey(ctx, c.Product, manage.TransportRotation{Kind: c.Kind, End: c.End}); err != nil {
			return err
		}
		list, err := client.TransportKeys(ctx, c.Product)
		if err != nil {
			return fmt.Errorf("the key was made; its id: %w", err)
		}
		t.printf("%s\n", newest(list.Keys, c.Kind))
		return nil
	})
}

// newest is the id of the key of a kind that began last.
func newest(keys []manage.TransportKey, kind string) (id string) {
	var from time.Time
	for _, k := range keys {
		if k.Kind == kind && !k.From.Before(from) {
			id, from = k.ID, k.From
		}
	}
	return id
}

type licenseTransportEndCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Key             string `arg:"" help:"The key's id; \"list\" shows them, and a kit has it as psk.id."`
}

// Help is the long text of --help.
func (licenseTransportEndCommand) Help() string {
	return "At once. If it was the last of its kind, another is made. Programs whose kit holds an ended key, and that were told no other, need another kit for the mode psk; the modes https and hpke go on.\n\n" + exitHelp
}

// Run ends it.
func (c *licenseTransportEndCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		if err := client.EndTransportKey(ctx, c.Product, c.Key); err != nil {
			return err
		}
		t.printf("ended %s\n", c.Key)
		return nil
	})
}
