package peer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// loadCredential reads an identity file; nil when there is none. A file that
// others can read is closed to them, with a warning.
func loadCredential(ctx context.Context, file, service string, log *slog.Logger) (*credential, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at the certificate of %s: %w", service, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		log.WarnContext(ctx, "other users could read the private key; revoke its certificate if they may have",
			"service", service, "file", file, "mode", info.Mode().Perm().String())
		if err := os.Chmod(file, 0o600); err != nil {
			return nil, fmt.Errorf("close the key of %s to other users: %w", service, err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of %s: %w", service, err)
	}
	c, err := decodeCredential(service, text)
	if err != nil {
		return nil, fmt.Errorf("the stored certificate of %s is damaged (%w); remove %s to apply for another", service, err, file)
	}
	return c, nil
}

// save replaces the identity file at once and durably: a crash leaves the old
// or the new one.
func (c *credential) save(file string) (err error) {
	text, err := c.encode()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("store the certificate of %s: %w", c.service, err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(file))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
