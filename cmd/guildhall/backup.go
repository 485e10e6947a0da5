package main

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"guildhall/platform/app"
	"guildhall/sdk/go/api"
)

type backupCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (backupCommand) Help() string {
	return "One file per service, in backup.dir (default: backups in the data directory). A backup holds the service's keys: keep it as safe as the server, or set backup.recipient to encrypt it.\n\n" + exitHelp
}

// Run backs up through the running process, or opens the data when none runs.
func (c *backupCommand) Run(ctx context.Context, t terminal) error {
	return c.local(ctx, t, func(client *app.Client) error {
		files := map[string]string{}
		if err := client.Do(ctx, http.MethodPost, "/backup", nil, &files); err != nil {
			return err
		}
		if c.JSON {
			return t.json(files)
		}
		for _, service := range slices.Sorted(maps.Keys(files)) {
			t.printf("%s  %s\n", service, files[service])
		}
		return nil
	})
}

// local runs fn on the running process, or on one opened for it, of the services
// that are named or of all.
func (p place) local(ctx context.Context, t terminal, fn func(*app.Client) error, only ...string) error {
	s, err := p.load()
	if err != nil {
		return err
	}
	o, err := s.options(t.err)
	if err != nil {
		return err
	}
	o.Level.Set(max(o.Level.Level(), slog.LevelWarn)) // what is usual concerns those who serve
	o.Only = only
	o.Waiting = func(text string) { t.warn(text) }
	return app.Local(ctx, o, func(c *app.Client) error {
		defer explainWait(ctx, t, c)()
		return fn(c)
	})
}

// service runs fn with what a client of one service's API needs, whether a process
// runs on the data directory or not.
func (p place) service(ctx context.Context, t terminal, name string, fn func(api.Options) error) error {
	return p.local(ctx, t, func(c *app.Client) error {
		url, http := c.Service(name)
		return fn(api.Options{URL: url, HTTP: http})
	}, name)
}
