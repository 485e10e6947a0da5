package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/platform/app"
	"guildhall/platform/config"
	"guildhall/platform/session"
)

type adminCommand struct {
	Link  adminLinkCommand  `cmd:"" help:"Print a link that opens the pages once, within 15 minutes."`
	Token adminTokenCommand `cmd:"" help:"Print a new token for the API."`
	List  adminListCommand  `cmd:"" help:"List live links, browser sessions and tokens."`
	End   adminEndCommand   `cmd:"" help:"Withdraw a link, session or token."`
}

type adminLinkCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (adminLinkCommand) Help() string { return exitHelp }

// Run needs the running process.
func (c *adminLinkCommand) Run(ctx context.Context, t terminal) error {
	return c.grant(ctx, t, c.JSON, "/admin/link", nil, func(g app.Grant) string { return g.URL })
}

type adminTokenCommand struct {
	place `embed:""`
	Name  string          `help:"What the token is for." default:"command line" placeholder:"TEXT"`
	Life  config.Duration `help:"How long it lives, 1m to 366d." default:"30d" placeholder:"DURATION"`
	JSON  bool            `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (adminTokenCommand) Help() string {
	return "Send it as \"Authorization: Bearer TOKEN\". It is shown once.\n\n" + exitHelp
}

// Run needs the running process.
func (c *adminTokenCommand) Run(ctx context.Context, t terminal) error {
	in := app.TokenRequest{Name: c.Name, Seconds: int64(time.Duration(c.Life).Seconds())}
	return c.grant(ctx, t, c.JSON, "/admin/token", in, func(g app.Grant) string { return g.Secret })
}

func (p place) grant(ctx context.Context, t terminal, asJSON bool, path string, in any, text func(app.Grant) string) error {
	client, _, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var g app.Grant
	if err := client.Do(ctx, http.MethodPost, path, in, &g); err != nil {
		return err
	}
	if asJSON {
		return t.json(g)
	}
	t.printf("%s\n", text(g))
	return nil
}

type adminListCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Run lists the credentials, never their secrets.
func (c *adminListCommand) Run(ctx context.Context, t terminal) error {
	client, _, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var list []session.Credential
	if err := client.Do(ctx, http.MethodGet, "/admin/credentials", nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return t.json(list)
	}
	for _, x := range list {
		t.printf("%s  %-7s  until %s  %s\n", x.ID, x.Kind, x.Expires.Format("2006-01-02 15:04"), x.Name)
	}
	return nil
}

type adminEndCommand struct {
	place `embed:""`
	ID    string `arg:"" help:"The id from \"guildhall admin list\", or \"all\"."`
}

// Run withdraws at once.
func (c *adminEndCommand) Run(ctx context.Context, t terminal) error {
	client, _, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Do(ctx, http.MethodDelete, "/admin/credentials/"+url.PathEscape(c.ID), nil, nil); err != nil {
		return err
	}
	t.printf("ended %s\n", c.ID)
	return nil
}
