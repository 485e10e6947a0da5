package identity

import (
	"context"
	"database/sql"

	"guildhall/platform/audit"
	"guildhall/platform/mail"
)

// letters are those that could not be sent, as administrators see them.
type letters struct {
	*mail.Outbox
	Journal *audit.Journal
}

// Again has a letter sent that was given up. The error is mail.ErrNotFailed if there
// is none.
func (l *letters) Again(ctx context.Context, id string, by audit.Caller) error {
	return l.Journal.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := l.Journal.Append(ctx, tx, by, audit.JobRetried, id, map[string]any{"kind": mail.JobKind}); err != nil {
			return err
		}
		return l.Retry(ctx, tx, id)
	})
}
