package db

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"
)

const (
	// patience is how long a write waits for a database server that is away: a
	// restart takes a few seconds.
	patience  = 10 * time.Second
	retryBase = 20 * time.Millisecond
	retryMax  = time.Second
)

// WithTx runs fn in a write transaction of its own and commits it; an error or
// a panic of fn rolls it back. fn runs at most once and must not commit, roll
// back, leave rows open, or call Group or WithTx itself. If ctx ends before the commit begins, nothing is
// written and the error is ctx's; a commit that has begun is waited for. On
// PostgreSQL a connection that breaks during the commit gives ErrCommitUnknown.
func (d *DB) WithTx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	var t *transaction
	err := d.patiently(ctx, func() (err error) {
		t, err = d.begin(ctx)
		return err
	})
	if err != nil {
		return Coded(err)
	}
	defer t.rollback() // also after a panic or runtime.Goexit; nothing after the commit
	if err := fn(t.tx); err != nil {
		return Coded(err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := t.commit(); err != nil {
		return Coded(err)
	}
	t.committed()
	return nil
}

// Conn takes a connection out of the write pool, for what needs the driver
// itself, such as COPY. On SQLite it is the only one that writes. The caller
// closes it.
func (d *DB) Conn(ctx context.Context) (*sql.Conn, error) {
	conn, err := d.write.Conn(ctx)
	return conn, Coded(err)
}

// transaction is a write transaction and the connection it holds.
type transaction struct {
	db   *DB
	conn *sql.Conn
	tx   *sql.Tx
	// before runs before it is committed, after once it is.
	before []func() error
	after  []func()
	// One goroutine at a time has the transaction, and these with it.
	local  map[any]any
	member int
}

// begin waits for a connection as long as ctx lives, and starts a transaction
// that ctx does not end: a cancelled one would cut PostgreSQL's connection in
// the middle of a commit.
func (d *DB) begin(ctx context.Context) (*transaction, error) {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	t := &transaction{db: d, conn: conn, tx: tx}
	d.opened(t)
	return t, nil
}

// rollback says whether the connection turned out to be lost. After a commit it
// does nothing.
func (t *transaction) rollback() (connLost bool) {
	t.db.ended(t)
	err := t.tx.Rollback()
	_ = t.conn.Close()
	return err != nil && t.db.Engine == Postgres && lost(err)
}

// patiently repeats fn while it fails for want of a connection.
func (d *DB) patiently(ctx context.Context, fn func() error) error {
	deadline := time.Now().Add(patience)
	for attempt := 0; ; attempt++ {
		err := fn()
		if err == nil || !transient(err) || time.Now().After(deadline) || !pause(ctx, attempt) {
			return err
		}
	}
}

// pause waits before the next attempt, longer each time and never as long as
// others do; false means that ctx ended.
func pause(ctx context.Context, attempt int) bool {
	d := min(retryMax, retryBase<<min(attempt, 10))
	t := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // jitter needs no secrecy
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
