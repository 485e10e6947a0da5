package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"guildhall/platform/db"
)

// Append records entries in tx, which must be a write transaction and Append
// its first statement (see the package's text). They are in the log when tx is
// committed, and not if it is not. After an error tx must be rolled back; the
// error is ErrDamaged when the log cannot be continued.
//
// It costs two statements and one signature, however many entries there are.
func (l *Log) Append(ctx context.Context, tx *sql.Tx, entries ...Entry) error {
	rows := make([]row, len(entries))
	now := l.now()
	for i, e := range entries {
		var err error
		if rows[i], err = newRow(e, now); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := l.extend(ctx, tx, rows); err != nil {
		return fmt.Errorf("append to audit log: %w", err)
	}
	err := insert(ctx, tx, rows)
	if db.IsUnique(err) {
		return ErrDamaged.Because(fmt.Errorf("there are rows behind the head: %w", err))
	}
	if err != nil {
		return fmt.Errorf("append to audit log: %w", err)
	}
	return nil
}

// extend numbers and hashes the rows and moves the head over them.
//
// It starts from the head that this process wrote last, without reading, and
// the UPDATE takes effect only if that is still the head in the database. It is
// not when another node went on from it, or when the transaction that wrote it
// was rolled back; then the head is read. So what is remembered may be wrong
// and does no harm.
func (l *Log) extend(ctx context.Context, tx *sql.Tx, rows []row) error {
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if last != nil {
		if moved, err := l.move(ctx, tx, last, rows); err != nil || moved {
			return err
		}
	}
	head, err := l.lockHead(ctx, tx)
	if err != nil {
		return err
	}
	moved, err := l.move(ctx, tx, head, rows)
	if err == nil && !moved {
		err = errors.New("the head changed under its lock")
	}
	return err
}

// move replaces the head old by the one after the rows; false if old is not the
// head.
func (l *Log) move(ctx context.Context, tx *sql.Tx, old *edge, rows []row) (bool, error) {
	next := old.clone()
	for i := range rows {
		if err := l.place(&rows[i], next); err != nil {
			return false, err
		}
	}
	head, err := l.signer.head(next)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `UPDATE audit_head SET size = $1, edge = $2, note = $3
		WHERE id = 1 AND size = $4 AND edge = $5`, next.size, next.encode(), head.Note, old.size, old.encode())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 0 {
		return false, err
	}
	l.mu.Lock()
	l.last = next
	l.mu.Unlock()
	return true, nil
}

// place gives a row its number, hashes and seal, as the next leaf of the tree.
func (l *Log) place(r *row, e *edge) error {
	r.seq = e.size
	data, err := r.leafData()
	if err != nil {
		return err
	}
	leaf := tlog.RecordHash(data)
	r.leaf = leaf[:]
	r.trees = joinHashes(e.add(leaf))
	r.seal = l.seal(leaf)
	return nil
}

// seal proves that the holder of the key wrote the leaf.
func (l *Log) seal(leaf tlog.Hash) []byte {
	m := hmac.New(sha256.New, l.sealKey)
	m.Write(leaf[:])
	return m.Sum(nil)
}

// lockHead reads the head and locks it until tx ends. It goes on only from a
// head that we signed, so that a forged one is not given a good signature.
func (l *Log) lockHead(ctx context.Context, tx *sql.Tx) (*edge, error) {
	query := `SELECT size, edge, note FROM audit_head WHERE id = 1`
	if l.db.Engine == db.Postgres {
		query += ` FOR UPDATE` // SQLite has one writer, and no such clause
	}
	var size int64
	var hashes []byte
	var text string
	err := tx.QueryRowContext(ctx, query).Scan(&size, &hashes, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrDamaged.Because(errNoHead)
	}
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	head, err := openHead(text, l.signer)
	if err != nil {
		return nil, ErrDamaged.Because(err)
	}
	e, err := decodeEdge(size, hashes)
	if err != nil {
		return nil, ErrDamaged.Because(err)
	}
	if head.Size != size || head.Root != e.root() {
		return nil, ErrDamaged.Because(errors.New("the head's columns differ from its signed text"))
	}
	return e, nil
}

// columns of audit_entries, in the order of row.values.
const columns = `seq, at, actor, action, subject, from_ip, detail, leaf_hash, tree_hashes, seal`

const columnCount = 10

func (r *row) values() []any {
	return []any{r.seq, r.at, r.actor, r.action, r.subject, r.from, string(r.detail), r.leaf, r.trees, r.seal}
}

// maxInsert bounds the rows of one INSERT: SQLite takes 32,766 parameters.
const maxInsert = 1000

func insert(ctx context.Context, tx *sql.Tx, rows []row) error {
	for len(rows) > 0 {
		n := min(len(rows), maxInsert)
		args := make([]any, 0, n*columnCount)
		for i := range rows[:n] {
			args = append(args, rows[i].values()...)
		}
		if _, err := tx.ExecContext(ctx, insertText(n), args...); err != nil {
			return fmt.Errorf("insert %d rows: %w", n, err)
		}
		rows = rows[n:]
	}
	return nil
}

// insertText is an INSERT of n rows.
func insertText(n int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO audit_entries (` + columns + `) VALUES `)
	for i := range n * columnCount {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columnCount == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	b.WriteString(")")
	return b.String()
}
