package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"guildhall/platform/fault"
)

// draftPrefix begins the name of a draft; backups leave such files out.
const draftPrefix = ".partial-"

// Drafts is a folder in which contents arrive.
type Drafts struct{ dir string }

// OpenDrafts makes the folder if it is not there, and removes what a process that was
// killed has left in it: no other process uses the data directory.
func OpenDrafts(dir string) (Drafts, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Drafts{}, fmt.Errorf("make the folder for drafts: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Drafts{}, fmt.Errorf("look for old drafts: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), draftPrefix) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return Drafts{}, fmt.Errorf("remove an old draft: %w", err)
			}
		}
	}
	return Drafts{dir}, nil
}

// Draft is a content that has come whole, on the disk. Put uses it up; else it is to be
// discarded.
type Draft struct {
	Sum  Sum
	Size int64 // in bytes
	path string
}

// Receive reads src to its end, up to most bytes: more is ErrTooLarge, an error of src
// ErrBroken. The draft is synced to the disk.
func (d Drafts) Receive(ctx context.Context, src io.Reader, most int64) (*Draft, error) {
	f, err := os.CreateTemp(d.dir, draftPrefix+"*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("begin a draft: %w", diskFull(err, d.dir))
	}
	draft, sum := &Draft{path: f.Name()}, sha256.New()
	from := &source{ctx: ctx, Reader: src}
	draft.Size, err = io.Copy(io.MultiWriter(f, sum), io.LimitReader(from, most+1))
	sum.Sum(draft.Sum[:0])
	switch {
	case from.err != nil:
		err = broken(from.err)
	case err == nil && draft.Size > most:
		err = tooLarge(most)
	case err == nil:
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		draft.Discard()
		return nil, fmt.Errorf("receive a content: %w", diskFull(err, d.dir))
	}
	return draft, nil
}

func tooLarge(most int64) error {
	return fault.New(ErrTooLarge.Kind, ErrTooLarge.Code, "The file is larger than %d bytes, which is the most that is taken here.", most).With(map[string]any{"Most": most})
}

// broken keeps what says more than that it broke off.
func broken(err error) error {
	if e, known := errors.AsType[*fault.Error](err); known {
		return e
	}
	return ErrBroken.Because(err)
}

// source remembers what ended it: io.Copy does not tell which side failed.
type source struct {
	io.Reader
	ctx context.Context //nolint:containedctx // a reader has no other place for it
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	n, err := s.Reader.Read(p)
	if err != io.EOF {
		s.err = err
	}
	return n, err
}

// Discard removes what is left of a draft.
func (d *Draft) Discard() { _ = os.Remove(d.path) } // the next start removes what stays

func diskFull(err error, dir string) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) && !errors.Is(err, syscall.EFBIG) {
		return err
	}
	return fault.New(fault.Unavailable, "disk_full", "The disk of %s is full. Nothing was kept of the file. Free some space and try again.", dir).Because(err)
}
