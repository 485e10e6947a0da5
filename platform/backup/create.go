package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// Source is what to save.
type Source struct {
	// Service is its name.
	Service string
	// Dir is the service's folder; its files other than databases belong to
	// the backup. It is also where the copy is prepared.
	Dir string
	DB  *db.DB
}

// Options say where a backup goes.
type Options struct {
	// To is the folder for backups; it is made when missing.
	To string
	// Recipient is an age X25519 public key ("age1..."). Empty: not encrypted.
	Recipient string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Create saves the service to a new file in o.To, "<service>-<UTC time>.backup",
// and returns its path once it is on the disk. Writers go on meanwhile; the
// backup holds what was committed at one moment. When it fails, no file is left.
func Create(ctx context.Context, s Source, o Options) (file string, err error) {
	recipient, err := parseRecipient(o.Recipient)
	if err != nil {
		return "", err
	}
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	if err := os.MkdirAll(o.To, 0o700); err != nil {
		return "", fmt.Errorf("make folder for backups: %w", diskFull(err, o.To))
	}
	clearStale(s.Dir)
	stage, err := os.MkdirTemp(s.Dir, stagePrefix)
	if err != nil {
		return "", fmt.Errorf("prepare backup: %w", diskFull(err, s.Dir))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	at := now().UTC()
	plain := filepath.Join(stage, "backup.tar.gz")
	if err := build(ctx, s, stage, plain, at); err != nil {
		return "", fmt.Errorf("back up %s: %w", s.Service, diskFull(err, s.Dir))
	}
	file, err = deliver(plain, recipient, s.Service, o.To, at)
	if err != nil {
		return "", fmt.Errorf("store backup of %s: %w", s.Service, diskFull(err, o.To))
	}
	return file, nil
}

func parseRecipient(text string) (age.Recipient, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no recipient is no mistake
	}
	r, err := age.ParseX25519Recipient(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "backup_recipient_invalid", "backup.recipient is no age public key: it begins with age1; age-keygen makes one with its secret identity.").Because(err)
	}
	return r, nil
}

// build writes the archive of everything to plain.
func build(ctx context.Context, s Source, stage, plain string, at time.Time) error {
	m := Manifest{Format: format, Service: s.Service, Engine: s.DB.Engine, CreatedAt: at}
	content := filepath.Join(stage, "content")
	if err := os.MkdirAll(filepath.Join(content, databaseDir), 0o700); err != nil {
		return err
	}
	var err error
	if s.DB.Engine == db.SQLite {
		m.Migrations, err = s.DB.SnapshotTo(ctx, filepath.Join(content, m.database()))
	} else {
		m.Migrations, err = dump(ctx, s.DB, filepath.Join(content, databaseDir))
	}
	if err != nil {
		return err
	}
	if err := copyFiles(ctx, s.Dir, filepath.Join(content, filesDir)); err != nil {
		return err
	}
	if m.Members, err = describe(content); err != nil {
		return err
	}
	return writeArchive(plain, content, m)
}

// deliver puts the archive into the folder under its final name, encrypted for
// the recipient, if there is one.
func deliver(plain string, recipient age.Recipient, service, to string, at time.Time) (file string, err error) {
	partial, err := os.CreateTemp(to, partialPrefix)
	if err != nil {
		return "", err
	}
	err = copyThrough(partial, plain, recipient)
	if err == nil {
		err = partial.Sync()
	}
	if err = errors.Join(err, partial.Close()); err == nil {
		file = unusedName(to, service, at)
		err = os.Rename(partial.Name(), file)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(partial.Name()))
	}
	return file, syncDir(to)
}

func copyThrough(dst io.Writer, plain string, recipient age.Recipient) error {
	src, err := os.Open(plain)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	if recipient == nil {
		_, err = io.Copy(dst, src)
		return err
	}
	sealed, err := age.Encrypt(dst, recipient)
	if err != nil {
		return err
	}
	if _, err := io.Copy(sealed, src); err != nil {
		return err
	}
	return sealed.Close()
}

// unusedName is the name for the time, or for the first millisecond after it
// that no backup has yet.
func unusedName(to, service string, at time.Time) string {
	for ; ; at = at.Add(time.Millisecond) {
		path := filepath.Join(to, service+"-"+at.Format(stamp)+suffix)
		if _, err := os.Lstat(path); err != nil {
			return path
		}
	}
}
