package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/sdk/go/ca"
)

type caAuditCommand struct {
	List   caAuditListCommand   `cmd:"" help:"List entries, newest first."`
	Verify caAuditVerifyCommand `cmd:"" help:"Check that no entry was changed, removed or inserted."`
	Export caAuditExportCommand `cmd:"" help:"Write the whole log as JSON lines that anyone can verify."`
	Check  caAuditCheckCommand  `cmd:"" help:"Check an export, without the server."`
}

type caAuditListCommand struct {
	place   `embed:""`
	Query   string `help:"Text anywhere in the entry." short:"q" placeholder:"TEXT"`
	Actor   string `help:"Only what this actor did." placeholder:"ACTOR"`
	Action  string `help:"Only this action." placeholder:"ACTION"`
	Subject string `help:"Only what was done to this." placeholder:"SUBJECT"`
	Limit   int    `help:"At most so many, up to 500." default:"50" placeholder:"N"`
	JSON    bool   `name:"json" help:"Print a JSON array."`
}

// Validate refuses a number of entries that cannot be.
func (c *caAuditListCommand) Validate() error {
	if c.Limit < 1 || c.Limit > 500 {
		return fmt.Errorf("--limit must be from 1 to 500 but got %d", c.Limit)
	}
	return nil
}

// Run prints one page.
func (c *caAuditListCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		list, err := client.Audit(ctx, ca.AuditRequest{Text: c.Query, Actor: c.Actor, Action: c.Action, Subject: c.Subject, Limit: c.Limit})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list.Entries)
		}
		for _, x := range list.Entries {
			t.printf("%6d  %s  %-24s  %s  %s\n", x.Seq, x.At.Format(time.RFC3339), x.Action, oneLine(actor(x)), oneLine(x.Subject))
		}
		return nil
	})
}

// actor is who did it, with the name of who is known by an id alone.
func actor(x ca.AuditEntry) string {
	if name, _ := x.Detail["actor_name"].(string); name != "" {
		return x.Actor + " (" + name + ")"
	}
	return x.Actor
}

type caAuditVerifyCommand struct {
	place `embed:""`
	Head  string `help:"File with a signed head that you kept, or with what an earlier run printed; the log must continue it." placeholder:"FILE"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (caAuditVerifyCommand) Help() string {
	return "Keep the printed head elsewhere, and pass it with --head next time: that finds a log that was put back to an older state.\n\n" + exitHelp
}

// Run exits 4 when the log was tampered with.
func (c *caAuditVerifyCommand) Run(ctx context.Context, t terminal) error {
	head, err := readText("--head", c.Head)
	if err != nil {
		return err
	}
	if i := strings.Index(head, "\nkey "); i >= 0 { // the output of an earlier run: the head follows the key's line
		_, head, _ = strings.Cut(head[i+1:], "\n")
	}
	return c.authority(ctx, t, func(client *ca.Client) error {
		r, err := client.VerifyAudit(ctx, ca.AuditVerifyRequest{Head: head})
		if err != nil {
			return err
		}
		if c.JSON {
			if err := t.json(r); err != nil {
				return err
			}
		} else {
			printReport(t, r)
		}
		if !r.OK {
			return errNegative
		}
		return nil
	})
}

func printReport(t terminal, r *ca.AuditReport) {
	if r.OK {
		t.printf("verified %d entries\nkey %s\n%s", r.Rows, r.Key, r.Head)
		return
	}
	t.printf("TAMPERED: %d findings in %d entries\n", r.Count, r.Rows)
	for _, f := range r.Findings {
		t.printf("  %s %s: %s\n", f.Kind, rows(f), f.Text)
	}
}

func rows(f ca.AuditFinding) string {
	switch {
	case f.First < 0:
		return ""
	case f.First == f.Last:
		return fmt.Sprintf("row %d", f.First)
	}
	return fmt.Sprintf("rows %d to %d", f.First, f.Last)
}

type caAuditExportCommand struct {
	place `embed:""`
	Out   string `help:"File to write (default: standard output)." placeholder:"FILE"`
}

// Run writes JSON lines with the signed head at the end.
func (c *caAuditExportCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		if c.Out == "" {
			return client.ExportAudit(ctx, t.out)
		}
		f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return unwritable("--out", c.Out, err)
		}
		if err := client.ExportAudit(ctx, f); err != nil {
			_, _ = f.Close(), os.Remove(c.Out) // half a log is of no use
			return err
		}
		return f.Close()
	})
}

type caAuditCheckCommand struct {
	File string `arg:"" help:"File that \"guildhall ca audit export\" wrote, or - for standard input."`
	Key  string `help:"Verifier key of the log, as \"guildhall ca audit verify\" prints it." required:"" placeholder:"KEY"`
}

// Help is the long text of --help.
func (caAuditCheckCommand) Help() string {
	return "Needs neither the server nor its data: anyone who holds the key can do it.\n\n" + exitHelp
}

// Run exits 4 when the export was tampered with.
func (c *caAuditCheckCommand) Run(t terminal) error {
	in := t.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return unreadable("FILE", c.File, err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	r, err := audit.VerifyExport(in, c.Key)
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if err != nil {
		return fault.New(fault.Malformed, "not_an_export", "FILE: %s is not an export of an audit log: %w. Give a file that \"guildhall ca audit export\" wrote.", c.File, reason(err))
	}
	if !r.OK() {
		t.printf("TAMPERED: %d findings in %d entries\n", r.Count, r.Rows)
		for _, p := range r.Problems {
			t.printf("  %s\n", p)
		}
		return errNegative
	}
	t.printf("verified %d entries\n", r.Rows)
	return nil
}
