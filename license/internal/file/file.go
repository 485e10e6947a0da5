// Package file keeps the files of releases, and lets programs download them by tickets.
//
// A content is in its place before the row of a file that needs it, and stays there for a
// day after the last one: uploads that run at the same moment, and backups that are being
// made, rely on that.
package file

import (
	"time"

	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/blob"
	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

// kept is how long a content stays after nobody needs it.
const kept = 24 * time.Hour

// ErrRemoving says that a content that is to be kept is just being removed.
var ErrRemoving = fault.New(fault.Unavailable, "file_being_removed", "The same content is just being removed. Send it again in a few minutes.").After(5 * time.Minute)

// Options is what New needs; all of it.
type Options struct {
	Store   *store.Store
	Journal *audit.Journal
	Blobs   blob.Store
	Drafts  blob.Drafts
	// Most bounds a file, in bytes.
	Most int64
	// Key signs tickets.
	Key seal.Key
	Now func() time.Time
}

// Desk keeps files. It is safe for concurrent use.
type Desk struct {
	o      Options
	ticket []byte
}

// New makes a desk.
func New(o Options) *Desk { return &Desk{o: o, ticket: o.Key.Derive("ticket")} }

// Most bounds a file, in bytes.
func (d *Desk) Most() int64 { return d.o.Most }

func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }
