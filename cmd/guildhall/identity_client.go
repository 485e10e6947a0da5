package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"guildhall/platform/fault"
	"guildhall/sdk/go/identity"
)

type clientCommand struct {
	Add     clientAddCommand     `cmd:"" help:"Register an application, and print its id and secret."`
	List    clientListCommand    `cmd:"" help:"List applications, by name."`
	Show    clientShowCommand    `cmd:"" help:"Show one application."`
	Update  clientUpdateCommand  `cmd:"" help:"Change an application."`
	Rotate  clientRotateCommand  `cmd:"" help:"Print a new secret of an application."`
	Disable clientDisableCommand `cmd:"" help:"Stop an application, and revoke what it holds."`
	Enable  clientEnableCommand  `cmd:"" help:"Let a disabled application begin anew."`
	Remove  clientRemoveCommand  `cmd:"" help:"Remove an application for good, with all that it holds."`
}

type clientAddCommand struct {
	place       `embed:""`
	Kind        string `arg:"" help:"What it is: web (has a server that keeps a secret), spa (runs in the browser), native (on a telephone or computer), device (has no browser) or service (acts for itself)." enum:"web,spa,native,device,service"`
	clientFlags `embed:""`
	JSON        bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (clientAddCommand) Help() string {
	return "Prints the id on the first line and the secret, where there is one, on the second. The secret is shown once.\n\n" + metadataHelp + "\n\n" + exitHelp
}

// Run registers it.
func (c *clientAddCommand) Run(ctx context.Context, t terminal) error {
	m := identity.Metadata{}
	if err := c.apply(&m); err != nil {
		return err
	}
	m.Kind = c.Kind
	return c.identity(ctx, t, func(client *identity.Client) error {
		made, err := client.CreateApplication(ctx, m)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(made)
		}
		t.printf("%s\n", made.ID)
		if made.Secret != "" {
			t.printf("%s\n", made.Secret)
		}
		return nil
	})
}

type clientListCommand struct {
	place `embed:""`
	Query string `help:"Text in name or id." short:"q" placeholder:"TEXT"`
	State string `help:"Only these: active or disabled." enum:",active,disabled" default:"" placeholder:"STATE"`
	Limit int    `help:"At most so many; 0: all." default:"0" placeholder:"N"`
	JSON  bool   `name:"json" help:"Print a JSON array." xor:"form"`
	IDs   bool   `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (clientListCommand) Help() string { return exitHelp }

// Validate refuses a number of applications that cannot be.
func (c *clientListCommand) Validate() error {
	return checkLimit(c.Limit)
}

// Run reads page after page.
func (c *clientListCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		list, err := c.read(ctx, client)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list, func(x identity.Application) (id, line string) {
			line = fmt.Sprintf("%s  %-8s  %-7s  %s", x.ID, x.State, x.Kind, oneLine(x.Name))
			if x.Own {
				line += "  (part of guildhall)"
			}
			return x.ID, line
		})
	})
}

func (c *clientListCommand) read(ctx context.Context, client *identity.Client) ([]identity.Application, error) {
	return readAll(c.Limit, func(offset int) ([]identity.Application, int, error) {
		page, err := client.Applications(ctx, identity.ApplicationRequest{Text: c.Query, State: c.State, Limit: pageSize, Offset: offset})
		if err != nil {
			return nil, 0, err
		}
		return page.Applications, page.Total, nil
	})
}

// clientID is the argument that names an application.
type clientID struct {
	ID string `arg:"" name:"app" help:"The application's id (client_id), or its exact name where no other has it."`
}

// client runs fn with a client of identity and the application's id.
func (c clientID) client(ctx context.Context, p place, t terminal, fn func(client *identity.Client, id string) error) error {
	return p.identity(ctx, t, func(client *identity.Client) error {
		id, err := c.find(ctx, client)
		if err != nil {
			return err
		}
		return fn(client, id)
	})
}

// find is the id of the application with the id, or else of the only one with the
// name, that the argument holds.
func (c clientID) find(ctx context.Context, client *identity.Client) (string, error) {
	refused := func(code, detail string) error {
		return fault.Fields(fault.Field{Name: "APP", Code: code, Detail: detail + ` "guildhall identity client list" lists them.`})
	}
	unknown := refused("application_not_found", fmt.Sprintf("There is no application with the id or the name %q.", c.ID))
	if utf8.RuneCountInString(c.ID) > 100 { // longer than any of them
		return "", unknown
	}
	all, err := (&clientListCommand{Query: c.ID}).read(ctx, client)
	if err != nil {
		return "", err
	}
	var named []string
	for _, x := range all {
		if x.ID == c.ID {
			return x.ID, nil
		}
		if x.Name == c.ID {
			named = append(named, x.ID)
		}
	}
	switch len(named) {
	case 0:
		return "", unknown
	case 1:
		return named[0], nil
	}
	return "", refused("application_ambiguous", fmt.Sprintf("%d applications have the name %q; give the id of one.", len(named), c.ID))
}

type clientShowCommand struct {
	place    `embed:""`
	clientID `embed:""`
	JSON     bool `name:"json" help:"Print JSON, which update --metadata takes."`
}

// Help is the long text of --help.
func (clientShowCommand) Help() string { return exitHelp }

// Run prints what is known of it; nobody knows the secret.
func (c *clientShowCommand) Run(ctx context.Context, t terminal) error {
	return c.client(ctx, c.place, t, func(client *identity.Client, id string) error {
		x, err := client.Application(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(x)
		}
		printClient(t, x)
		return nil
	})
}

func printClient(t terminal, x *identity.Application) {
	t.printf("id         %s\nname       %s\nkind       %s\nstate      %s\nshows      %s\n", x.ID, oneLine(x.Name), x.Kind, x.State, x.Method)
	for _, list := range []struct {
		name   string
		values []string
	}{{"grant", x.GrantTypes}, {"redirect", x.RedirectURIs}, {"signed-out", x.PostLogoutURIs}, {"scope", x.Scopes}, {"audience", x.Audiences}} {
		for _, value := range list.values {
			t.printf("%-10s %s\n", list.name, value)
		}
	}
	t.printf("trusted    %t\ncreated    %s\nchanged    %s\n", x.Trusted, x.MadeAt.Format(time.RFC3339), x.ChangedAt.Format(time.RFC3339))
}

type clientUpdateCommand struct {
	place       `embed:""`
	clientID    `embed:""`
	clientFlags `embed:""`
	JSON        bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (clientUpdateCommand) Help() string {
	return "Changes what is given; a flag that takes several values replaces all of them, and an empty value (--scope '') removes them. What was changed holds for the application's next request.\n\n" + metadataHelp + "\n\n" + exitHelp
}

// Validate wants to know what to change.
func (c *clientUpdateCommand) Validate() error {
	if reflect.ValueOf(c.clientFlags).IsZero() {
		return errors.New("give a flag that says what to change, such as --name or --metadata: without one nothing would change")
	}
	return nil
}

// Run changes it.
func (c *clientUpdateCommand) Run(ctx context.Context, t terminal) error {
	return c.client(ctx, c.place, t, func(client *identity.Client, id string) error {
		x, err := client.Application(ctx, id)
		if err != nil {
			return err
		}
		if err := c.apply(&x.Metadata); err != nil {
			return err
		}
		if x, err = client.UpdateApplication(ctx, *x); err != nil {
			return err
		}
		return c.done(t, "changed", x, c.JSON)
	})
}

type clientRotateCommand struct {
	place       `embed:""`
	clientID    `embed:""`
	Overlap     string `help:"How long the old secret works on, up to 30d (default: not at all)." placeholder:"DURATION" xor:"old"`
	Compromised bool   `help:"Somebody else knows the old secret: revoke what the application holds, too." xor:"old"`
	JSON        bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (clientRotateCommand) Help() string {
	return "Prints the secret alone. It is shown once.\n\n" + exitHelp
}

// Run prints the new secret.
func (c *clientRotateCommand) Run(ctx context.Context, t terminal) error {
	return c.client(ctx, c.place, t, func(client *identity.Client, id string) error {
		made, err := client.RotateSecret(ctx, id, identity.SecretRequest{Overlap: c.Overlap, Compromised: c.Compromised})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(made)
		}
		t.printf("%s\n", made.Secret)
		return nil
	})
}

type clientDisableCommand struct {
	place    `embed:""`
	clientID `embed:""`
}

// Help is the long text of --help.
func (clientDisableCommand) Help() string { return exitHelp }

// Run disables at once.
func (c *clientDisableCommand) Run(ctx context.Context, t terminal) error {
	return c.client(ctx, c.place, t, func(client *identity.Client, id string) error {
		x, err := client.DisableApplication(ctx, id)
		if err != nil {
			return err
		}
		return c.done(t, "disabled", x, false)
	})
}

type clientEnableCommand struct {
	place    `embed:""`
	clientID `embed:""`
}

// Help is the long text of --help.
func (clientEnableCommand) Help() string { return exitHelp }

// Run enables at once.
func (c *clientEnableCommand) Run(ctx context.Context, t terminal) error {
	return c.client(ctx, c.place, t, func(client *identity.Client, id string) error {
		x, err := client.EnableApplication(ctx, id)
		if err != nil {
			return err
		}
		return c.done(t, "enabled", x, false)
	})
}

type clientRemoveCommand struct {
	place    `embed:""`
	clientID `embed:""`
}

// Help is the long text of --help.
func (clientRemoveCommand) Help() string { return exitHelp }

// Run removes at once.
func (c *clientRemoveCommand) Run(ctx context.Context, t terminal) error {
	return c.client(ctx, c.place, t, func(client *identity.Client, id string) error {
		if err := client.RemoveApplication(ctx, id); err != nil {
			return err
		}
		t.printf("removed %s\n", id)
		return nil
	})
}

// done says what was done to an application.
func (clientID) done(t terminal, what string, x *identity.Application, asJSON bool) error {
	if asJSON {
		return t.json(x)
	}
	t.printf("%s %s\n", what, x.ID)
	return nil
}
