package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"guildhall/platform/app"
)

// dial reaches the running process of the place.
func (p place) dial(ctx context.Context) (*app.Client, *settings, error) {
	s, err := p.load()
	if err != nil {
		return nil, nil, err
	}
	c, err := app.Dial(ctx, s.config.Server.Data)
	return c, s, err
}

type statusCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (statusCommand) Help() string { return exitHelp }

// Run exits 0 when healthy, 4 when not and 3 when nothing runs.
func (c *statusCommand) Run(ctx context.Context, t terminal) error {
	client, _, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var s app.Status
	if err := client.Do(ctx, http.MethodGet, "/status", nil, &s); err != nil {
		return err
	}
	if c.JSON {
		if err := t.json(s); err != nil {
			return err
		}
	} else {
		printStatus(t, s)
	}
	if !s.OK() {
		return errNegative
	}
	return nil
}

func printStatus(t terminal, s app.Status) {
	t.printf("%s  version %s  process %d  since %s\n", s.Status, s.Version, s.PID, s.Started.Format("2006-01-02 15:04:05 MST"))
	t.printf("  portal    %s\n", s.Portal)
	if s.Shared != "" {
		t.printf("  shared    %s\n", s.Shared)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		t.printf("  %-9s %s\n", name, strings.TrimSpace(s.URLs[name]+"  "+s.Services[name]))
		if file := s.LastBackup[name]; file != "" {
			t.printf("            newest backup %s\n", file)
		}
	}
}

type stopCommand struct {
	place `embed:""`
}

// Run asks the process to stop and waits until it has.
func (c *stopCommand) Run(ctx context.Context, t terminal) error {
	client, s, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Do(ctx, http.MethodPost, "/stop", nil, nil); err != nil {
		return err
	}
	if err := app.WaitStopped(ctx, s.config.Server.Data); err != nil {
		return err
	}
	t.printf("stopped\n")
	return nil
}

type reloadCommand struct {
	place `embed:""`
}

// Run asks the process to read its reloadable settings again.
func (c *reloadCommand) Run(ctx context.Context, t terminal) error {
	client, _, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Do(ctx, http.MethodPost, "/reload", nil, nil); err != nil {
		return err
	}
	t.printf("reloaded\n")
	return nil
}
