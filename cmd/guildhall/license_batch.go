package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseBatchCommand struct {
	Add    licenseBatchAddCommand    `cmd:"" help:"Make cards, and print the id of their batch."`
	List   licenseBatchListCommand   `cmd:"" help:"List batches, the last first."`
	Show   licenseBatchShowCommand   `cmd:"" help:"Show one batch."`
	Export licenseBatchExportCommand `cmd:"" help:"Write the keys of a batch, once."`
}

const exportOnceHelp = `The keys are kept nowhere once they were exported: for a quarter of an hour the export can be repeated, then the file is the only copy.`

type licenseBatchAddCommand struct {
	place    `embed:""`
	Policy   string `help:"The policy's id or exact name." required:"" placeholder:"POLICY"`
	Count    int    `help:"How many cards, up to 100000." required:"" placeholder:"N"`
	Days     int    `help:"Days from the first use (default: those of the policy)." placeholder:"N"`
	Ends     string `help:"A fixed end: a day (2027-01-31), which is in it, or a time; UTC." placeholder:"TIME"`
	Customer string `help:"The customer's id or exact name." placeholder:"CUSTOMER"`
	Note     string `help:"What they are for." placeholder:"TEXT"`
	Export   string `help:"Export the keys into this new file (mode 0600), or - for standard output." placeholder:"FILE"`
	Format   string `help:"Of the export: csv or json." enum:"csv,json" default:"csv" placeholder:"FORMAT"`
	JSON     bool   `name:"json" help:"Print the batch as JSON."`
}

// Help is the long text of --help.
func (licenseBatchAddCommand) Help() string {
	return "More than a thousand cards are made by and by; --export waits for them. " + exportOnceHelp + "\n\n" + exitHelp
}

// Validate refuses two things on standard output.
func (c *licenseBatchAddCommand) Validate() error {
	if c.Export == "-" && c.JSON {
		return errors.New("--json and --export - both write to standard output: give a file to --export")
	}
	return nil
}

// Run makes the file first, so that no keys are without a place.
func (c *licenseBatchAddCommand) Run(ctx context.Context, t terminal) error {
	ends, day, err := moment("--ends", c.Ends)
	if err != nil {
		return err
	}
	if day {
		ends = ends.AddDate(0, 0, 1)
	}
	return c.license(ctx, t, func(client *manage.Client) error {
		policy, err := findPolicy(ctx, client, "--policy", c.Policy)
		if err != nil {
			return err
		}
		customer, err := findCustomer(ctx, client, "--customer", c.Customer)
		if err != nil {
			return err
		}
		out, err := newKeyFile("--export", c.Export, t)
		if err != nil {
			return err
		}
		b, err := client.OrderBatch(ctx, manage.BatchOrder{Policy: policy, Customer: customer, Count: c.Count, Days: c.Days, EndsAt: ends, Note: c.Note})
		if err != nil {
			return out.discard(err)
		}
		if err := c.export(ctx, client, b, out); err != nil {
			t.warn(fmt.Sprintf("%s was made, but not exported. Do it by \"guildhall license batch export %s\".", b.ID, b.ID))
			return out.discard(err)
		}
		if c.Export == "-" {
			return nil
		}
		return printMade(t, c.JSON, b.ID, b)
	})
}

func (c *licenseBatchAddCommand) export(ctx context.Context, client *manage.Client, b *manage.Batch, out *keyFile) error {
	if c.Export == "" {
		return nil
	}
	made, err := awaitBatch(ctx, client, b.ID)
	if err != nil {
		return err
	}
	*b = *made
	return out.export(ctx, client, b.ID, c.Format)
}

// stuck is for how long a batch may not grow before nobody waits for it any more.
const stuck = time.Minute

// awaitBatch waits until all cards of a batch are made.
func awaitBatch(ctx context.Context, client *manage.Client, id string) (*manage.Batch, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for made, since := -1, time.Now(); ; {
		b, err := client.Batch(ctx, id)
		switch {
		case err != nil || b.Made >= b.Count:
			return b, err
		case b.Made > made:
			made, since = b.Made, time.Now()
		case time.Since(since) > stuck:
			return nil, fmt.Errorf("only %d of %d cards are made, and for a minute no more: they are when guildhall serves", b.Made, b.Count)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// keyFile is where card keys go: a file that was not there, standard output, or nowhere.
type keyFile struct {
	t    terminal
	file *os.File
}

func newKeyFile(flag, path string, t terminal) (*keyFile, error) {
	if path == "" || path == "-" {
		return &keyFile{t: t}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, unwritable(flag, path, err)
	}
	return &keyFile{t, f}, nil
}

// discard removes a file that has no keys, and returns err.
func (k *keyFile) discard(err error) error {
	if k.file != nil {
		_, _ = k.file.Close(), os.Remove(k.file.Name())
	}
	return err
}

// export writes the keys of a batch.
func (k *keyFile) export(ctx context.Context, client *manage.Client, batch, format string) error {
	text, err := exported(ctx, client, batch, format)
	if err != nil {
		return err
	}
	return k.write(text)
}

// writeSecret puts what fn reads into a new file, or on standard output.
func writeSecret(t terminal, path string, fn func() ([]byte, error)) error {
	k, err := newKeyFile("--out", path, t)
	if err != nil {
		return err
	}
	text, err := fn()
	if err != nil {
		return k.discard(err)
	}
	return k.write(text)
}

func (k *keyFile) write(text []byte) error {
	if k.file == nil {
		_, err := k.t.out.Write(text)
		return err
	}
	if _, err := k.file.Write(text); err != nil {
		return err
	}
	if err := k.file.Sync(); err != nil { // it is the only copy
		return err
	}
	return k.file.Close()
}

func exported(ctx context.Context, client *manage.Client, batch, format string) ([]byte, error) {
	if format == "csv" {
		return client.ExportBatchCSV(ctx, batch)
	}
	all, err := client.ExportBatch(ctx, batch)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
}

type licenseBatchListCommand struct {
	place   `embed:""`
	Product string `help:"Only those of this product (its code or id)." placeholder:"PRODUCT"`
	listed  `embed:""`
}

// Help is the long text of --help.
func (licenseBatchListCommand) Help() string { return exitHelp }

// Run reads page after page.
func (c *licenseBatchListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		codes, err := productCodes(ctx, client)
		if err != nil {
			return err
		}
		return printPages(t, c.listed, fmt.Sprintf("%-30s  %-20s  %-12s  %6s  %-12s  NOTE", "BATCH", "ORDERED", "PRODUCT", "CARDS", "STATE"),
			func(offset int) ([]manage.Batch, int, error) {
				page, err := client.Batches(ctx, manage.BatchRequest{Product: c.Product, Limit: pageSize, Offset: offset})
				if err != nil {
					return nil, 0, err
				}
				return page.Batches, page.Total, nil
			}, func(b manage.Batch) (id, line string) {
				return b.ID, fmt.Sprintf("%s  %s  %-12s  %6d  %-12s  %s", b.ID, b.MadeAt.Format(time.RFC3339), codes[b.Product], b.Made, batchState(b), oneLine(b.Note))
			})
	})
}

func batchState(b manage.Batch) string {
	switch {
	case b.Made < b.Count:
		return "being made"
	case b.ExportedAt.IsZero():
		return "not exported"
	}
	return "exported"
}

type licenseBatchShowCommand struct {
	place `embed:""`
	ID    string `arg:"" help:"The batch's id."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseBatchShowCommand) Help() string { return exitHelp }

// Run prints it.
func (c *licenseBatchShowCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		b, err := client.Batch(ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(b)
		}
		t.printf("id        %s\nstate     %s\nmade      %d of %d\npolicy    %s\n", b.ID, batchState(*b), b.Made, b.Count, b.Policy)
		for _, x := range []struct{ name, text string }{{"customer", b.Customer}, {"ends", stamp(b.EndsAt)}, {"ordered", stamp(b.MadeAt)},
			{"by", b.MadeBy}, {"exported", stamp(b.ExportedAt)}, {"note", b.Note}} {
			if x.text != "" {
				t.printf("%-8s  %s\n", x.name, x.text)
			}
		}
		return nil
	})
}

// stamp is a time for people; one that is zero is empty.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.RFC3339)
}

type licenseBatchExportCommand struct {
	place  `embed:""`
	ID     string `arg:"" help:"The batch's id."`
	Out    string `help:"New file (mode 0600), or - for standard output." required:"" placeholder:"FILE"`
	Format string `help:"csv or json." enum:"csv,json" default:"csv" placeholder:"FORMAT"`
}

// Help is the long text of --help.
func (licenseBatchExportCommand) Help() string { return exportOnceHelp + "\n\n" + exitHelp }

// Run writes the file.
func (c *licenseBatchExportCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		out, err := newKeyFile("--out", c.Out, t)
		if err != nil {
			return err
		}
		if _, err = awaitBatch(ctx, client, c.ID); err == nil {
			err = out.export(ctx, client, c.ID, c.Format)
		}
		if err != nil {
			return out.discard(err)
		}
		return nil
	})
}
