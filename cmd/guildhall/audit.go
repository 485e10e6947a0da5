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
	"guildhall/sdk/go/api"
)

// auditCommand is about the audit log of one service: all keep the same kind.
type auditCommand struct {
	service string

	List   auditListCommand   `cmd:"" help:"List entries, newest first."`
	Verify auditVerifyCommand `cmd:"" help:"Check that no entry was changed, removed or inserted."`
	Export auditExportCommand `cmd:"" help:"Write the whole log as JSON lines that anyone can verify."`
	Check  auditCheckCommand  `cmd:"" help:"Check an export, without the server."`
}

// log runs fn with a client of the service's audit log.
func (c *auditCommand) log(ctx context.Context, t terminal, p place, fn func(*api.Client) error) error {
	return p.service(ctx, t, c.service, func(o api.Options) error { return fn(api.New(o)) })
}

type auditListCommand struct {
	place   `embed:""`
	Query   string `help:"Text anywhere in the entry." short:"q" placeholder:"TEXT"`
	Actor   string `help:"Only what this actor did." placeholder:"ACTOR"`
	Action  string `help:"Only this action." placeholder:"ACTION"`
	Subject string `help:"Only what was done to this." placeholder:"SUBJECT"`
	Since   string `help:"Only from this day (2026-01-31) or time (2026-01-31T12:00:00Z) on; days are those of UTC." placeholder:"TIME"`
	Until   string `help:"Only until this day, which is in it, or this time, which is not." placeholder:"TIME"`
	Limit   int    `help:"At most so many, up to 500." default:"50" placeholder:"N"`
	JSON    bool   `name:"json" help:"Print a JSON array."`
}

// Validate refuses a number of entries that cannot be.
func (c *auditListCommand) Validate() error {
	if c.Limit < 1 || c.Limit > 500 {
		return fmt.Errorf("--limit must be from 1 to 500 but got %d", c.Limit)
	}
	_, _, err := c.span()
	return err
}

// span is the time that --since and --until bound; zero is open.
func (c *auditListCommand) span() (since, until time.Time, err error) {
	if since, _, err = moment("--since", c.Since); err != nil {
		return since, until, err
	}
	until, day, err := moment("--until", c.Until)
	if day {
		until = until.AddDate(0, 0, 1)
	}
	return since, until, err
}

// moment reads a day or a time; empty is the zero time.
func moment(flag, text string) (at time.Time, day bool, err error) {
	if text == "" {
		return at, false, nil
	}
	if at, err = time.Parse(time.DateOnly, text); err == nil {
		return at, true, nil
	}
	if at, err = time.Parse(time.RFC3339, text); err != nil {
		return at, false, fault.New(fault.Invalid, "no_time", "%s must be a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z but got %q", flag, text)
	}
	return at, false, nil
}

// Run prints one page.
func (c *auditListCommand) Run(ctx context.Context, t terminal, parent *auditCommand) error {
	since, until, err := c.span()
	if err != nil {
		return err
	}
	return parent.log(ctx, t, c.place, func(client *api.Client) error {
		list, err := client.Audit(ctx, api.AuditRequest{Text: c.Query, Actor: c.Actor, Action: c.Action, Subject: c.Subject, Since: since, Until: until, Limit: c.Limit})
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
func actor(x api.AuditEntry) string {
	if name, _ := x.Detail["actor_name"].(string); name != "" {
		return x.Actor + " (" + name + ")"
	}
	return x.Actor
}

type auditVerifyCommand struct {
	place `embed:""`
	Head  string `help:"File with a signed head that you kept, or with what an earlier run printed; the log must continue it." placeholder:"FILE"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (auditVerifyCommand) Help() string {
	return "Keep the printed head elsewhere, and pass it with --head next time: that finds a log that was put back to an older state.\n\n" + exitHelp
}

// Run exits 4 when the log was tampered with.
func (c *auditVerifyCommand) Run(ctx context.Context, t terminal, parent *auditCommand) error {
	head, err := readText("--head", c.Head)
	if err != nil {
		return err
	}
	if i := strings.Index(head, "\nkey "); i >= 0 { // the output of an earlier run: the head follows the key's line
		_, head, _ = strings.Cut(head[i+1:], "\n")
		head = strings.TrimPrefix(head, headLabel)
	}
	return parent.log(ctx, t, c.place, func(client *api.Client) error {
		r, err := client.VerifyAudit(ctx, api.AuditVerifyRequest{Head: head})
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

// headLabel stands above the signed head and says what it is for.
const headLabel = "signed head; keep it elsewhere, and pass it with --head to check a later log against it:\n"

func printReport(t terminal, r *api.AuditReport) {
	if r.OK {
		t.printf("verified %d entries\nkey %s\n%s%s", r.Rows, r.Key, headLabel, r.Head)
		return
	}
	t.printf("TAMPERED: %d findings in %d entries\n", r.Count, r.Rows)
	for _, f := range r.Findings {
		t.printf("  %s %s: %s\n", f.Kind, rows(f), f.Text)
	}
}

func rows(f api.AuditFinding) string {
	switch {
	case f.First < 0:
		return ""
	case f.First == f.Last:
		return fmt.Sprintf("row %d", f.First)
	}
	return fmt.Sprintf("rows %d to %d", f.First, f.Last)
}

type auditExportCommand struct {
	place `embed:""`
	Out   string `help:"File to write (default: standard output)." placeholder:"FILE"`
}

// Run writes JSON lines with the signed head at the end.
func (c *auditExportCommand) Run(ctx context.Context, t terminal, parent *auditCommand) error {
	return parent.log(ctx, t, c.place, func(client *api.Client) error {
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

type auditCheckCommand struct {
	File string `arg:"" help:"File that \"audit export\" wrote, or - for standard input."`
	Key  string `help:"Verifier key of the log, as \"audit verify\" prints it." required:"" placeholder:"KEY"`
}

// Help is the long text of --help.
func (auditCheckCommand) Help() string {
	return "Needs neither the server nor its data: anyone who holds the key can do it.\n\n" + exitHelp
}

// Run exits 4 when the export was tampered with.
func (c *auditCheckCommand) Run(t terminal, parent *auditCommand) error {
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
	if errors.Is(err, audit.ErrKey) {
		return fault.New(fault.Malformed, "invalid_key", "--key: This is not the verifier key of a log. \"guildhall %s audit verify\" prints it after the word key; put it into quotation marks.", parent.service)
	}
	if err != nil {
		return fault.New(fault.Malformed, "not_an_export", "FILE: %s is not an export of an audit log: %w. Give a file that \"guildhall %s audit export\" wrote.", c.File, reason(err), parent.service)
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
