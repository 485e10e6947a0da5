package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"database/sql"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"guildhall/platform/fault"
)

// Verify reads the whole log and reports every difference from what was
// written. With heads that were kept elsewhere it also proves that the log
// continues each of them. The error is for a verification that could not be
// made: the database failed, or a kept head is not one of this log.
func (l *Log) Verify(ctx context.Context, kept ...Head) (Report, error) {
	var heads []Head
	for _, k := range kept {
		// Only what is signed counts, not the other fields.
		head, err := openHead(k.Note, l.signer)
		if err != nil {
			return Report{}, fault.New(fault.Invalid, "audit_kept_head_invalid",
				"The kept head is not one that this log signed. Give the text exactly as it was kept, with its last line.").Because(err)
		}
		heads = append(heads, head)
	}
	v := &verifier{log: l, kept: heads, whole: true}
	err := l.snapshot(ctx, func(tx *sql.Tx) error {
		stored, err := readHead(ctx, tx)
		if err != nil {
			return err
		}
		v.openHead(stored)
		if err := eachRow(ctx, tx, v.row); err != nil {
			return err
		}
		v.finish(stored)
		return nil
	})
	return v.report, err
}

// verifier compares the rows, as they come, with what must have been written.
//
// A row is genuine when its seal fits its content. Each genuine row says as
// which number it was written, so it is known what must have stood before it;
// the rows there that are not genuine were changed or inserted.
type verifier struct {
	log    *Log
	kept   []Head // those not yet compared
	report Report
	headOK bool

	// next is the number of the next row as written: how many rows of the true
	// log are accounted for, doubtful ones excepted.
	next int64
	// shift is by how much the stored numbers exceed the written ones at this
	// point: not 0 where somebody renumbered.
	shift int64
	// doubtful rows came after the last genuine one and are not genuine.
	doubtful []doubt
	// tree is built of the genuine leaf hashes; whole says that none is missing.
	tree  edge
	whole bool
}

// doubt is a row that is not genuine.
type doubt struct {
	row     *row
	written int64     // the number it would have been written with, were it only changed
	leaf    tlog.Hash // its stored leaf hash
	sealed  bool      // the stored leaf hash is genuine
	text    string
}

func (v *verifier) openHead(stored *storedHead) {
	if stored == nil {
		v.report.head(BadHead, "the head is missing")
		return
	}
	head, err := openHead(stored.note, v.log.signer)
	if err != nil {
		v.report.head(BadHead, "the head was rewritten: "+err.Error())
		return
	}
	v.report.Head, v.headOK = head, true
	if stored.size != head.Size {
		v.report.head(BadHead, fmt.Sprintf("the head's size column says %d, its signed text %d", stored.size, head.Size))
	}
}

func (v *verifier) row(r *row) error {
	v.report.Rows++
	leaf, err := leafHash(r, r.seq)
	if err != nil {
		return err
	}
	written, found := v.written(r, leaf)
	switch {
	case !found:
		v.doubt(r, leaf)
	case written < v.next:
		v.report.row(Inserted, r.seq, fmt.Sprintf("it is a copy of what was written as row %d", written))
		v.shift++
	default:
		v.settle(written, Removed)
		v.genuine(r, written)
	}
	return nil
}

// genuine handles a row whose content is what was written as number written.
func (v *verifier) genuine(r *row, written int64) {
	v.next, v.shift = written+1, r.seq-written
	switch {
	case v.shift > 0:
		v.report.row(Moved, r.seq, fmt.Sprintf("it was written with a number lower by %d", v.shift))
	case v.shift < 0:
		v.report.row(Moved, r.seq, fmt.Sprintf("it was written with a number higher by %d", -v.shift))
	}
	if v.headOK && written >= v.report.Head.Size {
		v.report.row(BadHead, r.seq, fmt.Sprintf("the row is genuine, but the head covers %s only: it was put back to an older one",
			count(v.report.Head.Size, "row")))
	}
	leaf, err := leafHash(r, written)
	if err != nil {
		v.whole = false
	}
	if !bytes.Equal(r.leaf, leaf[:]) {
		v.report.row(BadHashes, r.seq, "the stored leaf hash differs from that of the content")
	}
	v.grow(r, leaf)
}

// grow adds a leaf that was proved genuine, and compares what the row stores of
// the tree.
func (v *verifier) grow(r *row, leaf tlog.Hash) {
	trees := joinHashes(v.tree.add(leaf))
	if !v.whole {
		return
	}
	if !bytes.Equal(r.trees, trees) {
		v.report.row(BadHashes, r.seq, "the stored tree hashes differ from those of the rows")
	}
	v.kept = slices.DeleteFunc(v.kept, func(k Head) bool {
		if k.Size != v.tree.size {
			return false
		}
		if k.Root != v.tree.root() {
			v.report.head(RolledBack, fmt.Sprintf("the first %s are not those of the kept head: another history was written", count(k.Size, "row")))
		}
		return true
	})
}

// maxDoubtful bounds how many rows wait for a genuine one.
const maxDoubtful = 10_000

// doubt notes a row that is not genuine.
func (v *verifier) doubt(r *row, leaf tlog.Hash) {
	d := doubt{row: r, written: r.seq - v.shift, text: "content, hash and seal do not belong together"}
	copy(d.leaf[:], r.leaf)
	d.sealed = len(r.leaf) == tlog.HashSize && hmac.Equal(r.seal, v.log.seal(d.leaf))
	switch {
	case d.sealed:
		d.text = "the content differs from its sealed hash"
	case leaf == d.leaf:
		d.text = "the content and its hash do not carry the log's seal"
	}
	if v.doubtful = append(v.doubtful, d); len(v.doubtful) == maxDoubtful {
		v.settle(d.written+1, Removed)
	}
}

// settle decides what the doubtful rows were, now that the next row was written
// with number until: those that stand where a row before it stood were changed,
// the others inserted; what has nothing in its place is gone.
func (v *verifier) settle(until int64, gone Kind) {
	for _, d := range v.doubtful {
		if d.written >= until {
			v.report.row(Inserted, d.row.seq, "the log never wrote this row")
			continue
		}
		v.gone(d.written, gone)
		v.report.row(Changed, d.row.seq, d.text)
		v.next++
		if d.sealed {
			v.grow(d.row, d.leaf)
		} else {
			v.whole = false
		}
	}
	v.doubtful = nil
	v.gone(until, gone)
}

// gone reports the rows from next up to until, which should be here.
func (v *verifier) gone(until int64, kind Kind) {
	if until <= v.next {
		return
	}
	text := "the row is gone"
	if kind == Truncated {
		text = "the head covers the row and it is gone"
	}
	v.report.rows(kind, v.next, until-1, text)
	v.next, v.whole = until, false
}

// finish compares the end of the rows with the heads.
func (v *verifier) finish(stored *storedHead) {
	until := v.next
	if n := len(v.doubtful); n > 0 {
		until = v.doubtful[n-1].written + 1
	}
	if v.headOK {
		until = v.report.Head.Size
	}
	v.settle(until, Truncated)
	if v.headOK && v.whole && v.tree.size == v.report.Head.Size {
		v.checkHead(stored)
	}
	for _, k := range v.kept {
		switch {
		case k.Size == 0:
		case k.Size > v.report.Rows:
			v.report.head(RolledBack, fmt.Sprintf("the kept head covers %s, the log has %d: it was put back to an older state",
				count(k.Size, "row"), v.report.Rows))
		default:
			v.report.head(RolledBack, fmt.Sprintf("that the log continues the kept head of %s cannot be proved, because rows are damaged",
				count(k.Size, "row")))
		}
	}
}

// checkHead compares the head with rows that are all genuine.
func (v *verifier) checkHead(stored *storedHead) {
	if v.tree.root() != v.report.Head.Root {
		v.report.head(BadHead, "the head's root hash is not that of the rows")
	}
	if !bytes.Equal(stored.edge, v.tree.encode()) {
		v.report.head(BadHead, "the head's edge column is not that of the rows")
	}
}

// leafHash is the leaf hash that the row's content has under a number.
func leafHash(r *row, seq int64) (tlog.Hash, error) {
	c := *r
	c.seq = seq
	data, err := c.leafData()
	if err != nil {
		return tlog.Hash{}, err
	}
	return tlog.RecordHash(data), nil
}

// window is how far a renumbering is searched for around the known one.
const window = 64

// written finds the number that the row was written with: its own, or, when
// rows were renumbered, one nearby. It is found only for genuine content.
func (v *verifier) written(r *row, leaf tlog.Hash) (seq int64, found bool) {
	if hmac.Equal(r.seal, v.log.seal(leaf)) {
		return r.seq, true
	}
	run := int64(len(v.doubtful))
	candidates := []int64{v.shift, v.shift + run}
	// Searching far costs too much where everything is changed.
	if run <= window && v.report.Count <= maxProblems {
		for d := int64(1); d <= window; d++ {
			candidates = append(candidates, v.shift+d, v.shift-d)
		}
	}
	for _, shift := range candidates {
		if shift == 0 || shift > r.seq {
			continue
		}
		if h, err := leafHash(r, r.seq-shift); err == nil && hmac.Equal(r.seal, v.log.seal(h)) {
			return r.seq - shift, true
		}
	}
	return 0, false
}
