package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"guildhall/platform/app"
	"guildhall/platform/backup"
	"guildhall/platform/fault"
)

type restoreCommand struct {
	place    `embed:""`
	File     string `arg:"" help:"Backup file; or a folder of backups, such as backup.dir: the newest of each service."`
	Until    string `help:"Of a folder: the newest until this day (2027-01-31), which is in it, or time; UTC." placeholder:"TIME"`
	Force    bool   `help:"Replace data that is there."`
	Identity string `help:"File with the age secret key of an encrypted backup." placeholder:"FILE"`
}

// Help is the long text of --help.
func (restoreCommand) Help() string {
	return "Stop guildhall first. The whole file is checked before anything is touched; then the service's data is replaced in one step. Of a folder, one service is restored after the other.\n\n" + exitHelp
}

// Validate looks at the time before anything is done.
func (c restoreCommand) Validate() error {
	_, _, err := moment("--until", c.Until)
	return err
}

// Run restores one service, or all that a folder has backups of.
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
	files, err := c.files(t)
	if err != nil {
		return err
	}
	for _, file := range files[1:] { // what is wrong with the second is found before the first is put in place
		if _, err := backup.Inspect(file, identity); err != nil {
			return err
		}
	}
	for _, file := range files {
		m, err := app.Restore(ctx, o, file, identity, c.Force)
		if err != nil {
			return err
		}
		t.printf("restored %s as it was on %s\n", m.Service, m.CreatedAt.Format("2006-01-02 15:04:05 MST"))
	}
	return nil
}

// files are those to restore.
func (c *restoreCommand) files(t terminal) (files []string, err error) {
	if info, err := os.Stat(c.File); err != nil || !info.IsDir() {
		if c.Until != "" {
			return nil, fault.Fields(fault.Field{Name: "--until", Code: "no_choice", Detail: c.File + " is no folder, from whose backups one could be chosen. Leave --until out."})
		}
		return []string{c.File}, nil
	}
	until, day, err := moment("--until", c.Until)
	if err != nil {
		return nil, err
	}
	switch {
	case day:
		until = until.AddDate(0, 0, 1)
	case c.Until != "":
		until = until.Add(time.Second) // what date(1) printed after a backup is in its second
	}
	all, err := backup.NewestEach(c.File, until)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fault.Fields(fault.Field{Name: "FILE", Code: "no_backup",
			Detail: "There is no such backup in " + c.File + ". Name the folder that backup.dir names, or a file."})
	}
	for _, f := range all {
		files = append(files, f.Path)
	}
	return files, c.tellMissing(t, all)
}

// tellMissing names the services of which the folder has only backups from after --until.
func (c *restoreCommand) tellMissing(t terminal, chosen []backup.File) error {
	every, err := backup.NewestEach(c.File, time.Time{})
	for _, f := range every {
		if !slices.ContainsFunc(chosen, func(x backup.File) bool { return x.Service == f.Service }) {
			t.warn(f.Service + " has no backup from until then, and stays as it is.")
		}
	}
	return err
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
