package main

import (
	"context"
	"strings"
	"time"

	"guildhall/sdk/go/identity"
)

type directoryCommand struct {
	Status directoryStatusCommand `cmd:"" help:"Say how the import is set up, and how the last run went."`
	Test   directoryTestCommand   `cmd:"" help:"Try the settings step by step: connection, TLS, account, group, members."`
	Sync   directorySyncCommand   `cmd:"" help:"Run the import now."`
}

type directoryStatusCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (directoryStatusCommand) Help() string {
	return "Exits 4 when the last run was stopped or failed.\n\n" + exitHelp
}

// Run prints the state.
func (c *directoryStatusCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		st, err := client.Directory(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := t.json(st); err != nil {
				return err
			}
		} else {
			printDirectory(t, st)
		}
		return negative(st.Last)
	})
}

func printDirectory(t terminal, st *identity.DirectoryState) {
	switch {
	case !st.SetUp:
		t.printf("no directory is set up\n")
		return
	case st.Enabled:
		t.printf("on, next run %s\n", st.DueAt.Format(time.RFC3339))
	case st.Tried:
		t.printf("off\n")
	default:
		t.printf("off; do a dry run before you switch it on\n")
	}
	t.printf("servers %s\ngroup   %s\nreads   as %s\n", strings.Join(st.Servers, " "), st.GroupDN, st.BindDN)
	if st.Last != nil {
		printReportOf(t, st.Last)
	}
}

type directoryTestCommand struct {
	place `embed:""`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (directoryTestCommand) Help() string { return exitHelp }

// Run prints each step and exits 4 when one failed.
func (c *directoryTestCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		r, err := client.TestDirectory(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			err = t.json(r)
		} else {
			printSteps(t, r.Steps)
		}
		if err == nil && !r.OK {
			err = errNegative
		}
		return err
	})
}

func printSteps(t terminal, steps []identity.DirectoryStep) {
	for _, s := range steps {
		switch {
		case s.OK:
			t.printf("%-8s ok      %s  %s\n", s.Name, oneLine(s.Server), oneLine(s.Found))
		case s.Code == "":
			t.printf("%-8s not tried\n", s.Name)
		default:
			t.printf("%-8s FAILED  %s  %s\n         %s\n", s.Name, oneLine(s.Server), oneLine(s.Exact), s.Detail)
		}
	}
}

type directorySyncCommand struct {
	place  `embed:""`
	DryRun bool `name:"dry-run" help:"Change nothing and say what would be changed."`
	Beyond bool `name:"beyond-limit" help:"Let this run disable more accounts than the limit allows."`
	JSON   bool `name:"json" help:"Print the report as JSON."`
}

// Help is the long text of --help.
func (directorySyncCommand) Help() string {
	return "Without this command the import runs by itself, every 15 minutes unless set otherwise. Exits 4 when the run was stopped, because it would have disabled too many, or failed; the report says why.\n\n" + exitHelp
}

// Run runs the import and prints its report.
func (c *directorySyncCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		r, err := client.RunDirectory(ctx, identity.DirectoryRunRequest{DryRun: c.DryRun, Beyond: c.Beyond})
		if err != nil {
			return err
		}
		if c.JSON {
			if err := t.json(r); err != nil {
				return err
			}
			return negative(r)
		}
		for _, e := range r.Entries {
			t.printf("%-8s  %s  %s  %s\n", e.What, oneLine(e.Email), oneLine(e.DN), strings.Join(e.Why, " "))
		}
		printReportOf(t, r)
		return negative(r)
	})
}

func printReportOf(t terminal, r *identity.DirectoryReport) {
	what := "run"
	if r.Dry {
		what = "dry run"
	}
	t.printf("%s of %s: %s; read %d, added %d, changed %d, disabled %d, enabled %d, skipped %d\n", what, r.StartedAt.Format(time.RFC3339), r.Outcome,
		r.Read, r.Added, r.Changed, r.Disabled, r.Enabled, r.Skipped)
	if r.Detail != "" {
		t.printf("%s\n", r.Detail)
	}
	if r.Exact != "" {
		t.printf("the server said: %s\n", oneLine(r.Exact))
	}
}

// negative is the exit code for a run that did not end well.
func negative(r *identity.DirectoryReport) error {
	if r != nil && (r.Outcome == "stopped" || r.Outcome == "failed") {
		return errNegative
	}
	return nil
}
