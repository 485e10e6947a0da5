package main

import (
	"context"
	"time"

	"guildhall/sdk/go/ca"
)

type caTokenCommand struct {
	Create   caTokenCreateCommand   `cmd:"" help:"Print a token with which a service on another host joins, once."`
	List     caTokenListCommand     `cmd:"" help:"List the newest join tokens."`
	Withdraw caTokenWithdrawCommand `cmd:"" help:"End a join token before it is used."`
}

type caTokenCreateCommand struct {
	place   `embed:""`
	Service string `arg:"" help:"Name of the service that may join."`
	Life    string `help:"How long it is good, 1m to 7d." default:"1h" placeholder:"DURATION"`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (caTokenCreateCommand) Help() string {
	return "Put it into peers.join_tokens of the other host's configuration, or into GUILDHALL_PEERS_JOIN_TOKENS_<SERVICE>. It is shown once.\n\n" + exitHelp
}

// Run prints the token's text.
func (c *caTokenCreateCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		token, err := client.CreateToken(ctx, ca.TokenRequest{Service: c.Service, Lifetime: c.Life})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(token)
		}
		t.printf("%s\n", token.Text)
		return nil
	})
}

type caTokenListCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Run lists tokens without their texts.
func (c *caTokenListCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		list, err := client.Tokens(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list.Tokens)
		}
		for _, x := range list.Tokens {
			t.printf("%s  %-9s  %-12s  until %s\n", x.ID, x.State, x.Service, x.ExpiresAt.Format(time.RFC3339))
		}
		return nil
	})
}

type caTokenWithdrawCommand struct {
	place `embed:""`
	ID    string `arg:"" help:"The token's id from \"guildhall ca token list\"."`
}

// Run withdraws at once.
func (c *caTokenWithdrawCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		if err := client.WithdrawToken(ctx, c.ID); err != nil {
			return err
		}
		t.printf("withdrew %s\n", c.ID)
		return nil
	})
}
