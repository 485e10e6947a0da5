package identity

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/role"
	"guildhall/platform/audit"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
)

func TestAdministratorsSeeLettersThatFailed(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	admin, who := h.holder(t, "admin@example.com", role.Admin)
	viewer, _ := h.holder(t, "viewer@example.com", role.Viewer)
	admin.get(t, "/admin/letters").wants(t, http.StatusOK, "All letters went out")
	if a := admin.get(t, "/admin/users"); strings.Contains(a.main(), "given up") {
		t.Errorf("an alert without a reason:\n%s", a.main())
	}
	letter := mail.Message{To: "lost@example.com", Name: "Zofia Nowak", Language: "en", Template: "identity.exists", Data: map[string]any{"URL": "https://x.test/", "ResetURL": "https://x.test/", "Link": "https://x.test/", "Days": 7}}
	dead := h.Fail(t, h.pages.Letters.Outbox, letter, "dead", "550 5.1.1 <(address)>: <b>User unknown")
	letter.Template = "identity.invited"
	h.Fail(t, h.pages.Letters.Outbox, letter, "waiting", "451 greylisted")
	letter.Template, letter.Until = "identity.choose_password", h.Clock.Now().Add(time.Minute)
	over := h.Fail(t, h.pages.Letters.Outbox, letter, "dead", "the letter could not be sent before")
	h.Clock.Advance(time.Minute)

	admin.get(t, "/admin/users").wants(t, http.StatusOK, "2 letters were given up", `href="/admin/letters?state=dead"`, `href="/admin/letters"`)
	for _, b := range []*browser{admin, viewer} {
		page := b.get(t, "/admin/letters")
		page.wants(t, http.StatusOK, "There is an account already", "Invitation", "Choose a new password", "Given up", "Waits", "451 greylisted",
			"550 5.1.1 &lt;(address)&gt;: &lt;b&gt;User unknown", "Ran out; the reader can ask for another")
		for _, private := range []string{letter.To, "Zofia", "Nowak"} {
			if strings.Contains(page.main(), private) {
				t.Errorf("%q is in the page:\n%s", private, page.main())
			}
		}
		if offers := strings.Contains(page.main(), `value="`+dead+`"`); offers != (b == admin) || strings.Contains(page.main(), over) {
			t.Errorf("the page offers what it should not:\n%s", page.main())
		}
	}
	if a := admin.get(t, "/admin/letters?state=waiting"); !strings.Contains(a.main(), "Invitation") || strings.Contains(a.main(), "550 5.1.1") {
		t.Errorf("those that wait:\n%s", a.main())
	}
	admin.get(t, "/admin/letters?state=running").wants(t, http.StatusOK, "Nothing matches")

	rows := h.Rows(t)
	viewer.send(t, "/admin/letters", "id", dead).wants(t, http.StatusForbidden)
	for _, id := range []string{"", "job_none", who.ID} {
		admin.send(t, "/admin/letters", "id", id).leadsTo(t, "/admin/letters")
		admin.get(t, "/admin/letters").wants(t, http.StatusOK, "No letter with this id was given up.")
	}
	if h.Rows(t) != rows {
		t.Errorf("what was refused was done: %q", h.Actions(t, rows+1))
	}
	admin.send(t, "/admin/letters", "id", dead).leadsTo(t, "/admin/letters")
	admin.get(t, "/admin/letters").wants(t, http.StatusOK, "The letter is sent again now.")
	admin.get(t, "/admin/users").wants(t, http.StatusOK, "1 letter was given up")
	page, err := h.Journal.Audit.List(t.Context(), audit.Filter{Action: audit.JobRetried})
	if err != nil || len(page.Records) != 1 || page.Records[0].Subject != dead || page.Records[0].Actor != who.ID {
		t.Errorf("the audit log: %+v, %v", page.Records, err)
	}
}

// From this page letters are retried, and no other work.
func TestOnlyLettersAreRetriedAmongLetters(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	admin, _ := h.holder(t, "admin@example.com", role.Admin)
	err := h.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
		return h.Jobs.Enqueue(t.Context(), tx, "other", nil, jobs.EnqueueOptions{})
	})
	if err != nil {
		t.Fatal(err)
	}
	h.must(t, `UPDATE jobs SET state = 'dead', error = 'no' WHERE kind = 'other'`)
	other := func() jobs.Job {
		list, err := h.Jobs.List(t.Context(), jobs.Filter{Kind: "other"})
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0]
	}
	rows := h.Rows(t)
	admin.get(t, "/admin/letters").wants(t, http.StatusOK, "All letters went out")
	admin.send(t, "/admin/letters", "id", other().ID).leadsTo(t, "/admin/letters")
	if got := other(); got.State != jobs.Dead || h.Rows(t) != rows {
		t.Errorf("%+v; done was %q", got, h.Actions(t, rows+1))
	}
}
