package blob

import (
	"context"
	"io"
	"time"

	"guildhall/platform/fault"
)

// Store keeps contents: a Folder or a Bucket. It is safe for concurrent use.
type Store interface {
	// Put keeps the content of a draft, which is used up. One that is there already stays.
	Put(ctx context.Context, d *Draft) error
	// Open reads a content, whose size is that of its end; ErrMissing: there is none.
	Open(ctx context.Context, s Sum) (io.ReadSeekCloser, error)
	// Remove forgets a content. That there is none is no error.
	Remove(ctx context.Context, s Sum) error
	// Each calls fn for every content, in no order, until it fails.
	Each(ctx context.Context, fn func(Sum) error) error
	// Tidy removes what is left of Puts that began before a time and never ended.
	Tidy(ctx context.Context, before time.Time) error
}

var (
	// ErrMissing says that a content is not there.
	ErrMissing = fault.New(fault.Unavailable, "blob_missing", "The content of this file is not where it is kept. Who runs the service finds its name in the log; a backup may have it.")
	// ErrTooLarge says that a content is larger than is taken.
	ErrTooLarge = fault.New(fault.TooLarge, "file_too_large", "The file is too large.")
	// ErrBroken says that what was to be a content broke off.
	ErrBroken = fault.New(fault.Malformed, "file_broken_off", "The file broke off before its end. Send it again.")
	// ErrUnavailable says that the place of the contents does not answer.
	ErrUnavailable = fault.New(fault.Unavailable, "blob_unavailable", "The place where files are kept does not answer. Try again later; the log has the reason.")
)
