package main

import (
	"errors"
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
	s, err := c.load()
	if err != nil {
		return err
	}
	defs, err := app.Choose(s.defs, c.Services)
	if err != nil {
		return err
	}
	if err := s.file.Locate(errors.Join(s.config.CheckServices(defs), s.config.CheckFiles(time.Now()))); err != nil {
		return err
	}
	t.printf("ok\n")
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
