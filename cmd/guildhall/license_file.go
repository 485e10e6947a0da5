package main

import (
	"context"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseFileCommand struct {
	Add    licenseFileAddCommand    `cmd:"" help:"Upload a file of a release, and print its id."`
	List   licenseFileListCommand   `cmd:"" help:"List the files of a release, by name."`
	Remove licenseFileRemoveCommand `cmd:"" help:"Remove a file of a release."`
}

// releaseArgument names a release of a product.
type releaseArgument struct {
	productArgument `embed:""`
	Version         string `arg:"" help:"The version."`
}

type licenseFileAddCommand struct {
	place           `embed:""`
	releaseArgument `embed:""`
	File            string `arg:"" type:"existingfile" help:"The file."`
	Name            string `help:"Its name for whoever downloads it; without one, its own." placeholder:"NAME"`
	Note            string `help:"Whatever should be known of it; who downloads it does not see it." placeholder:"TEXT"`
	MediaType       string `help:"Its media type; without one, that of its name." placeholder:"TYPE"`
	SHA256          string `name:"sha256" help:"Refuse it if it has another SHA-256." placeholder:"DIGITS"`
	JSON            bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseFileAddCommand) Help() string {
	return "Programs whose card's policy allows files see it in their list at once.\n\n" + exitHelp
}

// Run uploads it.
func (c *licenseFileAddCommand) Run(ctx context.Context, t terminal) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	up := manage.FileUpload{Name: c.Name, Note: c.Note, MediaType: c.MediaType, SHA256: c.SHA256, Size: info.Size(), Content: f}
	if up.Name == "" {
		up.Name = filepath.Base(c.File)
	}
	if up.MediaType == "" {
		up.MediaType = mime.TypeByExtension(filepath.Ext(up.Name))
	}
	if watched(t.err) {
		up.Content = &progress{Reader: f, to: t.err, size: info.Size(), last: -1}
	}
	return c.license(ctx, t, func(client *manage.Client) error {
		made, err := client.UploadFile(ctx, c.Product, c.Version, up)
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, made.ID, made)
	})
}

// watched says whether somebody sees what is written.
func watched(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progress tells how much of a file was read, by whole percents.
type progress struct {
	io.Reader
	to               io.Writer
	done, size, last int64
}

// Read reads on, and tells.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.done += int64(n)
	if now := p.done * 100 / max(p.size, 1); now != p.last {
		p.last = now
		_, _ = fmt.Fprintf(p.to, "\r%3d %%", now)
		if now == 100 {
			_, _ = fmt.Fprintln(p.to)
		}
	}
	return n, err
}

type licenseFileListCommand struct {
	place           `embed:""`
	releaseArgument `embed:""`
	JSON            bool `name:"json" help:"Print a JSON array." xor:"form"`
	IDs             bool `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (licenseFileListCommand) Help() string { return exitHelp }

// Run lists them.
func (c *licenseFileListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := client.Files(ctx, c.Product, c.Version)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list.Files, func(f manage.File) (id, line string) {
			return f.ID, fmt.Sprintf("%s  %12d  %s  %s  %s", f.ID, f.Size, f.MadeAt.Format(time.RFC3339), f.SHA256, oneLine(f.Name))
		})
	})
}

type licenseFileRemoveCommand struct {
	place           `embed:""`
	releaseArgument `embed:""`
	File            string `arg:"" help:"The file's id or name."`
}

// Help is the long text of --help.
func (licenseFileRemoveCommand) Help() string {
	return "Who is just downloading it gets the rest. Its content goes a day later.\n\n" + exitHelp
}

// Run removes it.
func (c *licenseFileRemoveCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := client.Files(ctx, c.Product, c.Version)
		if err != nil {
			return err
		}
		id, err := named(list.Files, "file", "file", c.File, func(f manage.File) (id, name string) { return f.ID, f.Name })
		if err != nil {
			return err
		}
		if err := client.RemoveFile(ctx, c.Product, c.Version, id); err != nil {
			return err
		}
		t.printf("removed %s\n", id)
		return nil
	})
}
