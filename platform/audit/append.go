package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"guildhall/platform/db"
)

// Append records entries in tx, a write transaction of the log's database of
// which it must be the first statement (see the package's text). They are in the
// log when tx is committed, and not if it is not. After an error tx must be
// rolled back; the error is ErrDamaged when the log cannot be continued.
//
// The first Append in a transaction locks and reads the head. The rows are
// gathered and written, with one new head and one signature, right before the
// commit: an append in a full batch of db.Group costs little more than hashing.
func (l *Log) Append(ctx context.Context, tx *sql.Tx, entries ...Entry) error {
	rows := make([]row, len(entries))
	now := l.now()
	for i, e := range entries {
		var err error
		if rows[i], err = newRow(e, now); err != nil {
			return err
		}
	}
	g, ok := l.db.Local(tx, l, func() any { return l.gather(ctx, tx) }).(*gathered)
	if !ok {
		return errors.New("append to audit log: the transaction is not one of the log's database")
	}
	if err := g.start(ctx, tx); err != nil {
		return fmt.Errorf("append to audit log: %w", err)
	}
	for i := range rows {
		if err := l.place(&rows[i], g.tree); err != nil {
			return fmt.Errorf("append to audit log: %w", err)
		}
	}
	g.rows = append(g.rows, rows...)
	return nil
}

// gathered is what one transaction appends.
type gathered struct {
	log  *Log
	old  int64 // the log's size before
	tree *edge // nil until the head is locked
	rows []row
}

func (l *Log) gather(ctx context.Context, tx *sql.Tx) *gathered {
	g := &gathered{log: l}
	ctx = context.WithoutCancel(ctx) // others have a part in the transaction
	l.db.BeforeCommit(tx, func() error {
		if len(g.rows) == 0 {
			return nil
		}
		if err := g.write(ctx, tx); err != nil {
			return fmt.Errorf("write audit log: %w", err)
		}
		return nil
	})
	return g
}

// start locks the head, so that from here to the commit nobody else appends.
func (g *gathered) start(ctx context.Context, tx *sql.Tx) error {
	if g.tree != nil {
		return nil
	}
	tree, err := g.log.lockHead(ctx, tx)
	if err != nil {
		return err
	}
	g.tree, g.old = tree, tree.size
	return nil
}

func (g *gathered) write(ctx context.Context, tx *sql.Tx) error {
	head, err := g.log.signer.head(g.tree)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `UPDATE audit_head SET size = $1, edge = $2, note = $3 WHERE id = 1 AND size = $4`,
		g.tree.size, g.tree.encode(), head.Note, g.old)
	if err != nil {
		return fmt.Errorf("move head: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errors.New("the head changed under its lock"))
	}
	err = g.log.insert(ctx, tx, g.rows)
	if db.IsUnique(err) {
		return ErrDamaged.Because(fmt.Errorf("there are rows behind the head: %w", err))
	}
	return err
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

// lockHead reads the head and locks it until tx ends.
func (l *Log) lockHead(ctx context.Context, tx *sql.Tx) (*edge, error) {
	query := headQuery
	if l.db.Engine == db.Postgres {
		query += ` FOR UPDATE` // SQLite has one writer, and no such clause
	}
	return l.continued(tx.QueryRowContext(ctx, query))
}

// Check says whether the log can be continued: if not, with ErrDamaged. It
// looks at the head alone; Verify reads everything.
func (l *Log) Check(ctx context.Context) error {
	_, err := l.continued(l.db.Read.QueryRowContext(ctx, headQuery))
	return err
}

const headQuery = `SELECT size, edge, note FROM audit_head WHERE id = 1`

// continued is the edge to go on from. It takes only a head that we signed, so
// that a forged one is not given a good signature.
func (l *Log) continued(row *sql.Row) (*edge, error) {
	var size int64
	var hashes []byte
	var text string
	err := row.Scan(&size, &hashes, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrDamaged.Because(errNoHead)
	}
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	head, err := openHead(text, l.signer)
	if err != nil {
		return nil, refused(err)
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

func (r *row) values() []any {
	return []any{r.seq, r.at, r.actor, r.action, r.subject, r.from, string(r.detail), r.leaf, r.trees, r.seal}
}

func (l *Log) insert(ctx context.Context, tx *sql.Tx, rows []row) error {
	values := make([][]any, len(rows))
	for i := range rows {
		values[i] = rows[i].values()
	}
	return l.db.Insert(ctx, tx, "audit_entries", strings.Split(columns, ", "), values)
}
