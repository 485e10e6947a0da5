package main

import (
	"context"

	"guildhall/sdk/go/identity"
)

type identityCommand struct {
	User      userCommand      `cmd:"" help:"People's accounts."`
	Group     groupCommand     `cmd:"" help:"Groups of accounts, and the roles that they give."`
	Client    clientCommand    `cmd:"" help:"Applications that people sign in to or that call services (OAuth 2.0 clients)."`
	Key       keyCommand       `cmd:"" help:"The keys that sign tokens."`
	Letter    letterCommand    `cmd:"" help:"Letters that could not be sent."`
	Directory directoryCommand `cmd:"" help:"The import of people from a directory."`
	Audit     auditCommand     `cmd:"" help:"The audit log."`
}

// identity runs fn with a client of identity on the data directory, whether a
// process runs there or not.
func (p place) identity(ctx context.Context, t terminal, fn func(*identity.Client) error) error {
	return p.service(ctx, t, "identity", func(o identity.Options) error { return fn(identity.New(o)) })
}
