package license

import (
	"database/sql"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"guildhall/license/internal/alarm"
	"guildhall/license/internal/portal"
	"guildhall/license/web/mails"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// outbox is one on a queue that does not run.
func outbox(t testing.TB, queue *jobs.Queue) *mail.Outbox {
	t.Helper()
	o, err := mail.NewOutbox(mail.Options{Jobs: queue, Sender: &mail.Mailbox{Dir: t.TempDir()}, Templates: mails.FS(), From: "no-reply@guild.example.test",
		Key: seal.NewKey("mail"), Product: "guildhall", Log: slog.New(slog.DiscardHandler)})
	ok(t, err)
	return o
}

// Every letter is written in every language out of what it is given.
func TestLettersAreWritten(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), migrations())
	queue := jobs.New(jobs.Options{DB: d})
	ok(t, queue.Migrate(t.Context()))
	o := outbox(t, queue)
	data := map[string]map[string]any{portal.Letter: {"Link": "https://license.example.com/mine/invitation?link=x", "Customer": "Printers <b>", "Days": 7},
		alarm.Letter: {"Kind": "guesses", "Card": "", "IP": "198.51.100.7", "Count": 40, "Link": "https://license.example.com/alarms"}}
	files, err := fs.Glob(mails.FS(), "en/*.txt")
	if err != nil || len(files) != len(data) {
		t.Fatalf("templates: %q, %v", files, err)
	}
	for _, l := range i18n.Languages() {
		for _, file := range files {
			name := strings.TrimSuffix(strings.TrimPrefix(file, "en/"), ".txt")
			ok(t, d.WithTx(t.Context(), func(tx *sql.Tx) error {
				return o.Send(t.Context(), tx, mail.Message{To: "anna@example.com", Language: l.Code, Template: name, Data: data[name]})
			}))
		}
	}
}
