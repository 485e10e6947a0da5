package main

import (
	"context"
	"errors"
	"time"

	"guildhall/sdk/go/identity"
)

type keyCommand struct {
	List    keyListCommand    `cmd:"" help:"List the keys, by algorithm and age."`
	Rotate  keyRotateCommand  `cmd:"" help:"Publish the next keys now; they sign a day later."`
	Replace keyReplaceCommand `cmd:"" help:"Replace keys that are in wrong hands: all tokens die."`
}

type keyListCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print a JSON array."`
}

// Help is the long text of --help.
func (keyListCommand) Help() string { return exitHelp }

// Run lists the keys without their private parts.
func (c *keyListCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error { return printKeys(t, c.JSON)(client.Keys(ctx)) })
}

type keyRotateCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print a JSON array."`
}

// Help is the long text of --help.
func (keyRotateCommand) Help() string {
	return "Keys rotate by themselves every 90 days; this begins it now. The old keys stay published until the last token that they signed is over, so that nobody notices.\n\n" + exitHelp
}

// Run prints the keys as they are then.
func (c *keyRotateCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error { return printKeys(t, c.JSON)(client.RotateKeys(ctx)) })
}

type keyReplaceCommand struct {
	place `embed:""`
	Yes   bool `help:"Do it: every token ends."`
	JSON  bool `name:"json" help:"Print a JSON array."`
}

// Validate wants it said twice: nothing brings the tokens back.
func (c *keyReplaceCommand) Validate() error {
	if !c.Yes {
		return errors.New("every token that was signed ends at once, and every application has to fetch new ones; say --yes to do it, or use \"guildhall identity key rotate\", which ends nothing")
	}
	return nil
}

// Help is the long text of --help.
func (keyReplaceCommand) Help() string {
	return "New keys sign at once, and the old leave the key set at once: whatever they signed is worth nothing any more, and applications fetch new tokens. Others who verify tokens by a copy of the key set believe the old keys until they fetch it again.\n\n" + exitHelp
}

// Run prints the keys as they are then.
func (c *keyReplaceCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error { return printKeys(t, c.JSON)(client.ReplaceKeys(ctx)) })
}

// printKeys prints what a request for keys returned.
func printKeys(t terminal, asJSON bool) func(*identity.KeyList, error) error {
	return func(list *identity.KeyList, err error) error {
		if err != nil {
			return err
		}
		if asJSON {
			return t.json(list.Keys)
		}
		for _, k := range list.Keys {
			t.printf("%s  %-5s  %-9s  signs from %s%s\n", k.ID, k.Algorithm, k.State, k.SignsFrom.Format(time.RFC3339), until(k))
		}
		return nil
	}
}

// until says when a key ends that has a successor.
func until(k identity.Key) string {
	if k.SignsUntil == nil {
		return ""
	}
	return " to " + k.SignsUntil.Format(time.RFC3339)
}
