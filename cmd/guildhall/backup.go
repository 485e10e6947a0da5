package main

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"guildhall/platform/app"
	"guildhall/platform/fault"
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

type restoreCommand struct {
	place    `embed:""`
	File     string `arg:"" help:"Backup file."`
	Force    bool   `help:"Replace data that is there."`
	Identity string `help:"File with the age secret key of an encrypted backup." placeholder:"FILE"`
}

// Help is the long text of --help.
func (restoreCommand) Help() string {
	return "Stop guildhall first. The whole file is checked before anything is touched; then the service's data is replaced in one step.\n\n" + exitHelp
}

// Run restores one service.
func (c *restoreCommand) Run(ctx context.Context, t terminal) error {
	s, err := c.load()
	if err != nil {
		return err
	}
	o, err := s.options(t.err)
	if err != nil {
		return err
	}
	identity, err := readIdentity(c.Identity)
	if err != nil {
		return err
	}
	m, err := app.Restore(ctx, o, c.File, identity, c.Force)
	if err != nil {
		return err
	}
	t.printf("restored %s as it was on %s\n", m.Service, m.CreatedAt.Format("2006-01-02 15:04:05 MST"))
	return nil
}

// readIdentity reads the secret key out of a file as age-keygen writes it.
func readIdentity(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := readText("--identity", path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "AGE-SECRET-KEY-") {
			return line, nil
		}
	}
	return "", fault.Fields(fault.Field{Name: "--identity", Code: "no_key", Detail: "The file holds no age secret key (AGE-SECRET-KEY-1...)."})
}
