package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

// When PostgreSQL's connection breaks during a commit, the client cannot know
// how it ended. The number of the transaction does not tell either: after a
// crash the server may give it to another one. So every batch of Group notes
// its own number, in the same transaction, in a row that the process has in
// this table; what stands there afterwards is the answer.
const (
	setMark = `INSERT INTO guildhall_group (writer, batch) VALUES ($1, $2)
		ON CONFLICT (writer) DO UPDATE SET batch = $2, at = now()`
	// It waits for a server process that is still busy with the lost commit.
	readMark = `INSERT INTO guildhall_group AS g (writer, batch) VALUES ($1, 0)
		ON CONFLICT (writer) DO UPDATE SET batch = g.batch RETURNING batch`
)

// MarksTable is a table that this package keeps for itself in every schema on
// PostgreSQL. It says nothing of use in a backup.
const MarksTable = "guildhall_group"

// marks number this process's batches.
type marks struct {
	writer string
	batch  int64 // of the last attempt; only the leader of the group uses it
}

func newMarks() *marks { return &marks{writer: rand.Text()} }

// commit commits. nil means that the data is on the disk; any error but
// ErrCommitUnknown means that nothing was written.
func (t *transaction) commit() error {
	if err := t.flush(); err != nil {
		t.rollback()
		return err
	}
	t.db.ended(t)
	err := t.tx.Commit()
	_ = t.conn.Close()
	if err != nil && t.db.Engine == Postgres && lost(err) {
		return ErrCommitUnknown.Because(err)
	}
	return err
}

// commitMarked is commit, and finds out how a commit ended whose answer was lost.
func (t *transaction) commitMarked(m *marks) error {
	if t.db.Engine == SQLite {
		return t.commit()
	}
	m.batch++
	if _, err := t.tx.ExecContext(context.Background(), setMark, m.writer, m.batch); err != nil {
		t.rollback()
		return fmt.Errorf("prepare to commit: %w", err)
	}
	err := t.commit()
	if errors.Is(err, ErrCommitUnknown) {
		return t.db.settle(m, errors.Unwrap(err))
	}
	return err
}

// settle reads the mark; it waits while the server is away.
func (d *DB) settle(m *marks, lostErr error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		var batch int64
		err := d.write.QueryRowContext(ctx, readMark, m.writer).Scan(&batch)
		switch {
		case err == nil && batch == m.batch:
			return nil
		case err == nil:
			return fmt.Errorf("commit: %w", lostErr)
		case !transient(err) || !pause(ctx, attempt):
			return ErrCommitUnknown.Because(errors.Join(lostErr, err))
		}
	}
}
