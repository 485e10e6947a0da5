package identity

import (
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"guildhall/identity/web/mails"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// Every letter is written in every language out of what package account gives it.
func TestLettersAreWritten(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), migrations())
	queue := jobs.New(jobs.Options{DB: d})
	if err := queue.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	outbox, err := mail.NewOutbox(mail.Options{Jobs: queue, Sender: &mail.Mailbox{Dir: t.TempDir()}, Templates: mails.FS(), From: "no-reply@example.com",
		Key: seal.NewKey("mail"), Product: "guildhall", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	send := withAddress(outbox.Send, "https://identity.example.com")
	code := map[string]any{"Code": "123456", "Minutes": 5}
	event := map[string]any{"At": time.Now(), "From": "192.0.2.7"}
	data := map[string]map[string]any{"identity.register": code, "identity.reset": code, "identity.email": code, "identity.exists": nil, "identity.invited": {"Link": "https://identity.example.com/welcome?link=x", "Days": 7},
		"identity.password_changed": event, "identity.deleted": event, "identity.email_changed": {"At": time.Now(), "From": "", "Email": "a***@example.com"},
		"identity.second_removed": {"At": time.Now()}, "identity.choose_password": nil,
		"identity.elsewhere": nil, "identity.directory_welcome": nil, "identity.directory_password": {"Password": "k7mqx-2xnpd-abcde-fghjk"},
		"identity.directory_link": {"Link": "https://identity.example.com/welcome?link=x", "Days": 7}}
	files, err := fs.Glob(mails.FS(), "en/*.txt")
	if err != nil || len(files) != len(data) {
		t.Fatalf("templates: %q, %v", files, err)
	}
	for _, l := range i18n.Languages() {
		for _, file := range files {
			name := strings.TrimSuffix(strings.TrimPrefix(file, "en/"), ".txt")
			for _, person := range []string{"", "Anna <b>"} {
				err := d.WithTx(t.Context(), func(tx *sql.Tx) error {
					return send(context.Background(), tx, mail.Message{To: "anna@example.com", Name: person, Language: l.Code, Template: name, Data: data[name]})
				})
				if err != nil {
					t.Errorf("%s in %s: %v", name, l.Code, err)
				}
			}
		}
	}
}

// Where the HTML of a letter says an address, one can follow it.
func TestAddressesInLettersAreLinks(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(mails.FS(), "*/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("templates: %q, %v", files, err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(mails.FS(), file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.ReplaceAll(string(text), `<a href="{{.URL}}">{{.URL}}</a>`, ""), "{{.URL}}") {
			t.Errorf("%s says the address as plain text", file)
		}
	}
}
