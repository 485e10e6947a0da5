package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Folder keeps contents as files, in 256 folders by the first byte of their sums.
type Folder struct{ dir string }

// OpenFolder makes the folder if it is not there. Drafts must be on the same disk.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for contents: %w", err)
	}
	return &Folder{dir}, nil
}

func (f *Folder) path(s Sum) string {
	name := s.String()
	return filepath.Join(f.dir, name[:2], name)
}

// Put renames the draft: the content is there whole, or not at all.
func (f *Folder) Put(_ context.Context, d *Draft) error {
	path := f.path(d.Sum)
	if info, err := os.Stat(path); err == nil && info.Size() == d.Size {
		d.Discard()
		return nil
	}
	shard := filepath.Dir(path)
	if err := os.MkdirAll(shard, 0o700); err != nil {
		return fmt.Errorf("keep a content: %w", diskFull(err, f.dir))
	}
	if err := os.Rename(d.path, path); err != nil {
		return fmt.Errorf("keep a content: %w", diskFull(err, f.dir))
	}
	return errors.Join(syncDir(shard), syncDir(f.dir))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync a folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open opens the file.
func (f *Folder) Open(_ context.Context, s Sum) (io.ReadSeekCloser, error) {
	file, err := os.Open(f.path(s))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing.Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("open a content: %w", err)
	}
	return file, nil
}

// Remove removes the file; whoever reads it goes on.
func (f *Folder) Remove(_ context.Context, s Sum) error {
	if err := os.Remove(f.path(s)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a content: %w", err)
	}
	return nil
}

// Each reads the folders.
func (f *Folder) Each(ctx context.Context, fn func(Sum) error) error {
	return filepath.WalkDir(f.dir, func(_ string, e fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || e.IsDir() {
			return err
		}
		sum, err := ParseSum(e.Name())
		if err != nil {
			return nil //nolint:nilerr // what somebody else put there is none of ours
		}
		return fn(sum)
	})
}

// Tidy has nothing to do: what a Put leaves is its draft, which the next start removes.
func (f *Folder) Tidy(context.Context, time.Time) error { return nil }
