package identitytest

import (
	"database/sql"
	"log/slog"
	"testing"

	"guildhall/identity/web/mails"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// Outbox is one on the world's queue. It sends nothing, as the queue does not run.
func (w *World) Outbox(t testing.TB) *mail.Outbox {
	t.Helper()
	o, err := mail.NewOutbox(mail.Options{Jobs: w.Jobs, Sender: &mail.Mailbox{Dir: t.TempDir()}, Templates: mails.FS(), From: "no-reply@guild.example.test",
		Key: seal.NewKey("mail"), Product: "guildhall", Log: slog.New(slog.DiscardHandler), Now: w.Clock.Now})
	must(t, err)
	return o
}

// Fail queues a letter and leaves it as an attempt does that failed: "waiting" for
// the next, or "dead". It returns the job's id.
func (w *World) Fail(t testing.TB, o *mail.Outbox, m mail.Message, state, why string) (id string) {
	t.Helper()
	must(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
		if err := o.Send(t.Context(), tx, m); err != nil {
			return err
		}
		return tx.QueryRowContext(t.Context(), `UPDATE jobs SET state = $1, error = $2, attempt = 1 WHERE kind = $3 AND error = '' RETURNING id`,
			state, why, mail.JobKind).Scan(&id)
	}))
	return id
}
