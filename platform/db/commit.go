package db

import (
	"context"
	"database/sql"
	"fmt"
)

// commit commits. nil means that the data is on the disk. Any other error than
// ErrCommitUnknown means that nothing was written.
func (t *transaction) commit() error {
	defer func() { _ = t.conn.Close() }()
	if t.db.Engine == SQLite {
		return t.tx.Commit()
	}
	// When the connection breaks during the commit only the transaction's own
	// number tells afterwards how it ended.
	var xid sql.NullString
	if err := t.tx.QueryRow(`SELECT pg_current_xact_id_if_assigned()::text`).Scan(&xid); err != nil {
		_ = t.tx.Rollback()
		return fmt.Errorf("prepare to commit: %w", err)
	}
	err := t.tx.Commit()
	if err == nil || !xid.Valid || !lost(err) {
		return err
	}
	return t.db.settle(xid.String, err)
}

// settle finds out how a commit ended whose answer was lost.
func (d *DB) settle(xid string, commitErr error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		var status sql.NullString
		err := d.write.QueryRowContext(ctx, `SELECT pg_xact_status($1::text::xid8)`, xid).Scan(&status)
		switch {
		case err == nil && status.String == "committed":
			return nil
		case err == nil && status.String == "aborted":
			return fmt.Errorf("commit: %w", commitErr)
		case err == nil && !status.Valid, // too old to be known
			err != nil && !transient(err),
			!pause(ctx, attempt):
			return ErrCommitUnknown.Because(commitErr)
		}
		// Still in progress, or the server is still away.
	}
}
