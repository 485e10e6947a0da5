package main

import (
	"context"
	"fmt"
	"time"

	"guildhall/sdk/go/identity"
)

type letterCommand struct {
	List  letterListCommand  `cmd:"" help:"List letters that could not be sent, the newest first."`
	Retry letterRetryCommand `cmd:"" help:"Send a letter again that was given up."`
}

type letterListCommand struct {
	place `embed:""`
	State string `help:"Only these: waiting (tried again by itself), running (being tried now) or dead (given up)." enum:",waiting,running,dead" default:"" placeholder:"STATE"`
	Limit int    `help:"At most so many; 0: all." default:"0" placeholder:"N"`
	JSON  bool   `name:"json" help:"Print a JSON array." xor:"form"`
	IDs   bool   `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (letterListCommand) Help() string {
	return "To whom a letter goes is not shown.\n\n" + exitHelp
}

// Validate refuses a number of letters that cannot be.
func (c *letterListCommand) Validate() error {
	return checkLimit(c.Limit)
}

// Run reads page after page.
func (c *letterListCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		list, err := c.read(ctx, client)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list, func(l identity.Letter) (id, line string) {
			return l.ID, fmt.Sprintf("%s  %-7s  %-27s  attempts %2d  queued %s  %s", l.ID, l.State, l.Template, l.Attempts, l.QueuedAt.Format(time.RFC3339), oneLine(l.Error))
		})
	})
}

func (c *letterListCommand) read(ctx context.Context, client *identity.Client) ([]identity.Letter, error) {
	return readAll(c.Limit, func(offset int) ([]identity.Letter, int, error) {
		page, err := client.Letters(ctx, identity.LetterRequest{State: c.State, Limit: pageSize, Offset: offset})
		if err != nil {
			return nil, 0, err
		}
		return page.Letters, page.Total, nil
	})
}

type letterRetryCommand struct {
	place `embed:""`
	ID    string `arg:"" help:"The letter's id from \"guildhall identity letter list\"."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (letterRetryCommand) Help() string { return exitHelp }

// Run makes the letter due now, with all its attempts.
func (c *letterRetryCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		if err := client.RetryLetter(ctx, c.ID); err != nil {
			return err
		}
		if c.JSON {
			return t.json(map[string]string{"id": c.ID, "state": "waiting"})
		}
		t.printf("%s is sent again\n", c.ID)
		return nil
	})
}
