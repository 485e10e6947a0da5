package identity

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/role"
	"guildhall/platform/app"
	"guildhall/platform/guildtest"
	"guildhall/platform/mail"
	"guildhall/platform/session"
	wire "guildhall/sdk/go/identity"
)

func invitation() mail.Message {
	return mail.Message{To: "lost@example.com", Name: "Zofia Nowak", Language: "en", Template: "identity.invited", Data: map[string]any{"URL": "https://x.test/", "Link": "https://x.test/", "Days": 7}}
}

func TestAPIOfLettersThatFailed(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		if list, err := c.Letters(ctx, wire.LetterRequest{}); err != nil || list.Letters == nil || list.Total != 0 || list.Failed != 0 {
			t.Errorf("no letters: %+v, %v", list, err)
		}
		queued := o.Clock.Now()
		until := queued.Add(time.Hour)
		m := invitation()
		waiting := o.Fail(t, o.letters.Outbox, m, "waiting", "451 greylisted")
		o.Clock.Advance(time.Minute)
		m.Until = until
		dead := o.Fail(t, o.letters.Outbox, m, "dead", "550 5.1.1 User unknown")
		want := &wire.LetterList{Total: 2, Failed: 1, Letters: []wire.Letter{
			{ID: dead, Template: "identity.invited", State: "dead", Attempts: 1, Error: "550 5.1.1 User unknown", QueuedAt: queued.Add(time.Minute), Until: &until},
			{ID: waiting, Template: "identity.invited", State: "waiting", Attempts: 1, Error: "451 greylisted", QueuedAt: queued, NextAt: &queued}}}
		list, err := c.Letters(ctx, wire.LetterRequest{})
		ok(t, err)
		if diff := cmp.Diff(want, list); diff != "" {
			t.Error(diff)
		}
		if _, text := o.send(t, "GET", "/api/v1/letters", ""); strings.Contains(text, "lost") || strings.Contains(text, "Zofia") || strings.Contains(text, "Nowak") {
			t.Errorf("the answer names the reader: %s", text)
		}
		for request, want := range map[wire.LetterRequest]string{{State: "dead"}: dead, {State: "waiting"}: waiting, {Limit: 1}: dead, {Limit: 1, Offset: 1}: waiting} {
			if list, err := c.Letters(ctx, request); err != nil || len(list.Letters) != 1 || list.Letters[0].ID != want || list.Failed != 1 {
				t.Errorf("%+v: %+v, %v", request, list, err)
			}
		}
		if status, text := o.send(t, "GET", "/api/v1/letters?state=done", ""); status != http.StatusUnprocessableEntity || !strings.Contains(text, "not_allowed") {
			t.Errorf("a state there is not: %d %s", status, text)
		}

		rows := o.Rows(t)
		for what, id := range map[string]string{"one that waits": waiting, "none": "job_none"} {
			if p := problemOf(c.RetryLetter(ctx, id)); p.Status != http.StatusNotFound || p.Code != "letter_not_failed" {
				t.Errorf("retry %s: %+v", what, p)
			}
		}
		if o.Rows(t) != rows {
			t.Errorf("what was refused was recorded: %q", o.Actions(t, rows+1))
		}
		ok(t, c.RetryLetter(ctx, dead))
		if list, err := c.Letters(ctx, wire.LetterRequest{State: "waiting"}); err != nil || list.Total != 2 || list.Failed != 0 {
			t.Errorf("after the retry: %+v, %v", list, err)
		}
		entries, err := c.Audit(ctx, wire.AuditRequest{Subject: dead})
		ok(t, err)
		if len(entries.Entries) != 1 || entries.Entries[0].Action != "job.retried" || entries.Entries[0].Actor != "break-glass:test" {
			t.Errorf("the audit log: %+v", entries.Entries)
		}
	})
}

// Viewers look and retry nothing; others do neither.
func TestAPIOfLettersAsksWhoItIs(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.SQLite(t))
	dead := o.Fail(t, o.letters.Outbox, invitation(), "dead", "550 User unknown")
	mux := http.NewServeMux()
	o.letterOperations(app.NewAPI(mux, Name, "test", issuer, slog.New(slog.DiscardHandler)))
	ask := func(who, method, path string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		if who != "" {
			r = r.WithContext(session.With(r.Context(), session.Principal{ID: "usr_x", Roles: []string{who}}))
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code
	}
	const list = "/api/v1/letters"
	retry := list + "/" + dead + "/retry"
	rows := o.Rows(t)
	for who, want := range map[string][2]int{"": {401, 401}, "ca.admin": {403, 403}, role.Viewer: {200, 403}} {
		if got := [2]int{ask(who, "GET", list), ask(who, "POST", retry)}; got != want {
			t.Errorf("%q: %v, want %v", who, got, want)
		}
	}
	if o.Rows(t) != rows {
		t.Errorf("done was %q", o.Actions(t, rows+1))
	}
	if got := [2]int{ask(role.Admin, "GET", list), ask(role.Admin, "POST", retry)}; got != [2]int{200, 204} {
		t.Errorf("an administrator: %v", got)
	}
}
