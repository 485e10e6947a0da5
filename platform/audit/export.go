package audit

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// line is a line of an export: a row with its leaf hash or, at the end, the
// head. The leaf hash is SHA-256 over a zero byte and the entry's text as it
// stands between "entry": and the end of its object (RFC 6962, section 2.1).
type line struct {
	Entry json.RawMessage `json:"entry,omitempty"`
	Hash  *tlog.Hash      `json:"hash,omitempty"`
	Head  string          `json:"head,omitempty"`
}

// Export writes the whole log as JSON lines, oldest first and the signed head
// last, so that somebody who has the verifier key alone can check it
// (VerifyExport). It writes rows as they are: verify the log to know that they
// are good.
func (l *Log) Export(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	err := l.snapshot(ctx, func(tx *sql.Tx) error {
		head, err := readHead(ctx, tx)
		if err != nil {
			return err
		}
		if head == nil {
			return ErrDamaged.Because(errNoHead)
		}
		if err := eachRow(ctx, tx, func(r *row) error { return writeRow(out, r) }); err != nil {
			return err
		}
		return writeLine(out, line{Head: head.note})
	})
	if err != nil {
		return fmt.Errorf("export audit log: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("export audit log: %w", err)
	}
	return nil
}

// writeRow puts the leaf's text in as it is hashed; a JSON encoder would write
// the detail its own way.
func writeRow(w *bufio.Writer, r *row) error {
	data, err := r.leafData()
	if err != nil {
		return err
	}
	var hash tlog.Hash
	copy(hash[:], r.leaf)
	for _, part := range [][]byte{[]byte(`{"entry":`), data, []byte(`,"hash":"` + hash.String() + "\"}\n")} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func writeLine(w *bufio.Writer, l line) error {
	data, err := encode(l)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.WriteByte('\n')
}

// maxLine bounds a line of an export: an entry with the longest detail, every
// byte of it escaped, fits.
const maxLine = 1 << 20

// ErrKey says that a text is not the verifier key of a log.
var ErrKey = errors.New("it is not the verifier key of a log")

// VerifyExport reads an export and reports where it differs from what the head
// signs. It needs nothing but the verifier key, else the error is ErrKey. It cannot see the seals, so a
// row that was rewritten together with its hash shows as a head that does not
// fit. The error is for input that is no export at all.
func VerifyExport(r io.Reader, verifierKey string) (Report, error) {
	key, err := note.NewVerifier(verifierKey)
	if err != nil {
		return Report{}, ErrKey
	}
	v := &exportVerifier{key: key, whole: true}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; in.Scan(); n++ {
		if err := v.line(in.Bytes()); err != nil {
			return v.report, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := in.Err(); err != nil {
		return v.report, fmt.Errorf("read export: %w", err)
	}
	if !v.done {
		v.report.head(BadHead, "the export does not end with a head")
	}
	return v.report, nil
}

type exportVerifier struct {
	key    note.Verifier
	report Report
	tree   edge
	want   int64
	whole  bool
	done   bool
}

func (v *exportVerifier) line(data []byte) error {
	var l line
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return fmt.Errorf("it is not a line of an audit export: %w", err)
	}
	switch {
	case v.done:
		return errors.New("there is more after the head")
	case l.Head != "":
		v.done = true
		v.head(l.Head)
		return nil
	case l.Hash == nil:
		return errors.New("it has no hash")
	}
	return v.entry(l)
}

func (v *exportVerifier) entry(l line) error {
	var e struct {
		Seq int64 `json:"seq"`
	}
	if err := json.Unmarshal(l.Entry, &e); err != nil {
		return fmt.Errorf("read entry: %w", err)
	}
	v.report.Rows++
	switch {
	case e.Seq < v.want:
		v.report.row(Inserted, e.Seq, "the number was there before")
		v.whole = false
		return nil
	case e.Seq > v.want:
		v.report.rows(Removed, v.want, e.Seq-1, "the row is gone")
		v.whole = false
	}
	v.want = e.Seq + 1
	if tlog.RecordHash(l.Entry) != *l.Hash {
		v.report.row(Changed, e.Seq, "the content differs from its hash")
	}
	// The hash tells whether the others are whole; the content was just judged.
	v.tree.add(*l.Hash)
	return nil
}

func (v *exportVerifier) head(text string) {
	head, err := openHead(text, v.key)
	if err != nil {
		v.report.head(BadHead, "the head was rewritten: "+err.Error())
		return
	}
	v.report.Head = head
	switch {
	case v.want < head.Size:
		v.report.rows(Truncated, v.want, head.Size-1, "the head covers the row and it is gone")
	case v.want > head.Size:
		v.report.rows(Inserted, head.Size, v.want-1, "the head does not cover the row")
	case v.whole && v.tree.root() != head.Root:
		v.report.head(BadHead, "the head's root hash is not that of the rows: rows were replaced together with their hashes")
	}
}
