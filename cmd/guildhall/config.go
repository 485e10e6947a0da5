package main

import (
	"errors"
	"strings"
	"time"

	"guildhall/platform/app"
)

type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Say whether the configuration is right."`
	Print configPrintCommand `cmd:"" help:"Print the effective configuration, secrets masked."`
}

type configCheckCommand struct {
	Services []string `arg:"" optional:"" help:"Services that will run with it; all when none is named."`
	place    `embed:""`
}

// Run reports every mistake with its file, line and key.
func (c *configCheckCommand) Run(t terminal) error {
	defs, err := app.Choose(services(), c.Services)
	if err != nil {
		return err
	}
	s, err := c.loadAnd(func(s *settings) error {
		return errors.Join(s.config.CheckServices(defs), s.config.CheckFiles(time.Now()))
	})
	if err != nil {
		return err
	}
	checked := "the defaults and the environment; --config names a file"
	if c.Config != "" {
		checked = c.Config + " and the environment"
	}
	t.printf("ok\nchecked %s\n", checked)
	if servers := s.config.Servers(); len(servers) > 0 {
		t.printf("not contacted: the servers in %s\n", strings.Join(servers, ", "))
	}
	return nil
}

type configPrintCommand struct {
	place `embed:""`
}

// Run prints YAML that config check accepts.
func (c *configPrintCommand) Run(t terminal) error {
	s, err := c.load()
	if err != nil {
		return err
	}
	return s.file.Print(t.out, s.sections())
}
