package file

import (
	"context"
	"database/sql"
	"io"
	"mime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/blob"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

const (
	// maxName is in characters; every file system takes it in UTF-8.
	maxName = 60
	// maxType is in bytes.
	maxType = 100
	// Unknown is the media type of a file that says none.
	Unknown = "application/octet-stream"
)

// Draft is what is said of a file before its content comes.
type Draft struct {
	Name, Note string
	// MediaType is Unknown when it is empty.
	MediaType string
	// SHA256 is what the content must have, in hexadecimal digits; empty: whatever it has.
	SHA256 string
}

// Add keeps a file of a release. Wrong fields are called "name", "note", "media_type" and
// "sha256". A content takes its time to come: allowed is asked when it is there.
func (d *Desk) Add(ctx context.Context, r store.Release, draft Draft, content io.Reader, allowed func() error, by audit.Caller) (store.File, error) {
	f, want, err := d.check(ctx, r, draft)
	if err != nil {
		return f, err
	}
	came, err := d.o.Drafts.Receive(ctx, content, d.o.Most)
	if err != nil {
		return f, err
	}
	defer came.Discard()
	if f.SHA256, f.Size = came.Sum.String(), came.Size; draft.SHA256 != "" && came.Sum != want {
		return f, fault.Fields(fault.Field{Name: "sha256", Code: "sum_differs", Detail: "The content that came has another SHA-256: " + f.SHA256 + ". Send it again."})
	}
	if err := allowed(); err != nil {
		return f, err
	}
	f.ID = id.New("fil")
	if err := d.o.Journal.Write(ctx, func(tx *sql.Tx) error { return d.want(ctx, tx, f) }); err != nil {
		return f, err
	}
	if err := d.o.Blobs.Put(ctx, came); err != nil {
		return f, err
	}
	f.MadeAt = d.now()
	return f, d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		if err := d.want(ctx, tx, f); err != nil {
			return err
		}
		inserted, err := d.o.Store.InsertFile(ctx, tx, f)
		if err != nil {
			return err
		}
		if !inserted {
			return taken()
		}
		return d.o.Journal.Append(ctx, tx, by, journal.FileAdded, f.ID, map[string]any{"release": r.ID, "name": f.Name, "size": f.Size, "sha256": f.SHA256})
	})
}

// want keeps a content from being removed for a day.
func (d *Desk) want(ctx context.Context, tx *sql.Tx, f store.File) error {
	stays, err := d.o.Store.WantContent(ctx, tx, f.SHA256, f.Size, d.now())
	if err == nil && !stays {
		err = ErrRemoving
	}
	return err
}

func taken() error {
	return fault.Fields(fault.Field{Name: "name", Code: "file_exists", Detail: "The release has a file of this name already. Remove that one, or choose another name."})
}

// check is the row of a file before its content, and the sum that is expected.
func (d *Desk) check(ctx context.Context, r store.Release, draft Draft) (f store.File, want blob.Sum, err error) {
	var wrong []fault.Field
	refuse := func(name, code, detail string) {
		wrong = append(wrong, fault.Field{Name: name, Code: code, Detail: detail})
	}
	f = store.File{Release: r.ID, Version: r.Version, Name: norm.NFC.String(draft.Name), MediaType: mediaType(draft.MediaType)}
	switch {
	case f.Name == "":
		refuse("name", "required", "Fill in this field.")
	case utf8.RuneCountInString(f.Name) > maxName:
		wrong = append(wrong, fault.Field{Name: "name", Code: "too_long", Args: map[string]any{"Count": maxName}, Detail: "The name is too long."})
	case !plain(f.Name):
		refuse("name", "file_name", "This is no name of a file on every system: leave out / \\ : * ? \" < > | and what nobody sees, and do not begin or end with a dot or a space.")
	}
	if f.MediaType == "" {
		refuse("media_type", "form", "This is no media type; write one such as application/zip.")
	}
	if f.Note, err = catalogue.Note(draft.Note); err != nil {
		wrong = append(wrong, fault.As(err).Fields...)
	}
	if want, err = blob.ParseSum(draft.SHA256); err != nil && draft.SHA256 != "" {
		refuse("sha256", "form", "Write the 64 hexadecimal digits of a SHA-256.")
	}
	if len(wrong) > 0 {
		return f, want, fault.Fields(wrong...)
	}
	had, err := d.o.Store.Files(ctx, r.ID)
	if err == nil && slices.ContainsFunc(had, func(o store.File) bool { return o.Name == f.Name }) {
		err = taken()
	}
	return f, want, err
}

// plain says whether every system takes a name.
func plain(name string) bool {
	return utf8.ValidString(name) && strings.Trim(name, ". ") == name && !strings.ContainsAny(name, `/\:*?"<>|`) &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError })
}

// mediaType is a media type without parameters; empty: it is none.
func mediaType(text string) string {
	if text == "" {
		return Unknown
	}
	kind, _, err := mime.ParseMediaType(text)
	if err != nil || !strings.Contains(kind, "/") || len(kind) > maxType {
		return ""
	}
	return kind
}

// Remove takes a file of a release away. Who is just downloading it goes on.
func (d *Desk) Remove(ctx context.Context, r store.Release, file string, by audit.Caller) error {
	f, err := d.o.Store.File(ctx, file)
	if err == nil && f.Release != r.ID {
		err = store.ErrFile
	}
	if err != nil {
		return err
	}
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		removed, err := d.o.Store.RemoveFile(ctx, tx, f.ID, d.now())
		if err == nil && !removed {
			err = store.ErrFile
		}
		if err != nil {
			return err
		}
		return d.o.Journal.Append(ctx, tx, by, journal.FileRemoved, f.ID, map[string]any{"release": r.ID, "name": f.Name, "sha256": f.SHA256})
	})
}
