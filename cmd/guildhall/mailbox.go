package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/platform/mail"
)

type mailboxCommand struct {
	List mailboxListCommand `cmd:"" help:"List the letters of the development mailbox, the newest first."`
	Show mailboxShowCommand `cmd:"" help:"Print one letter."`
}

type mailboxListCommand struct {
	place `embed:""`
	To    string `help:"Only letters to this address." placeholder:"ADDRESS"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (mailboxListCommand) Help() string { return exitHelp }

// Run lists the letters that the running process kept.
func (c *mailboxListCommand) Run(ctx context.Context, t terminal) error {
	client, _, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var list []mail.Kept
	if err := client.Do(ctx, http.MethodGet, "/mailbox?to="+url.QueryEscape(c.To), nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return t.json(list)
	}
	for _, k := range list {
		t.printf("%s  %s  %s  %s\n", k.Name, k.At.Format(time.DateTime), k.To, k.Subject)
	}
	return nil
}

type mailboxShowCommand struct {
	place `embed:""`
	Name  string `arg:"" optional:"" help:"The letter's name from \"guildhall mailbox list\"; without it, the newest letter."`
	JSON  bool   `name:"json" help:"Print JSON, the HTML included."`
}

// Help is the long text of --help.
func (mailboxShowCommand) Help() string { return exitHelp }

// Run prints a letter as plain text.
func (c *mailboxShowCommand) Run(ctx context.Context, t terminal) error {
	client, _, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if c.Name == "" {
		c.Name = mail.Newest
	}
	var k mail.Kept
	if err := client.Do(ctx, http.MethodGet, "/mailbox/"+url.PathEscape(c.Name), nil, &k); err != nil {
		return err
	}
	if c.JSON {
		return t.json(k)
	}
	t.printf("From: %s\nTo: %s\nDate: %s\nSubject: %s\n\n%s", k.From, k.To, k.At.Format(time.RFC1123Z), k.Subject, k.Text)
	return nil
}
