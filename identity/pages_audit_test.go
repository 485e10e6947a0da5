package identity

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/role"
	"guildhall/platform/audit"
)

// The log is narrowed by action, actor, object and day, and calls people, groups and
// applications by what they are called now.
func TestAuditPageOfIdentity(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, viewer := h.holder(t, "viewer@example.com", role.Viewer)
	before := h.Clock.Now()
	h.Clock.Advance(72 * time.Hour)
	by := audit.Caller{Actor: viewer.ID, From: "192.0.2.77"}
	kept, err := h.pages.Groups.Create(t.Context(), "Office <b>", "", by)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := h.pages.Groups.Create(t.Context(), "Cellar", "", identitytest.By)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.pages.Groups.Remove(t.Context(), gone.ID, identitytest.By); err != nil {
		t.Fatal(err)
	}
	b = h.signedIn(t, viewer)
	day := func(at time.Time) string { return at.Format(time.DateOnly) }
	rows := func(query string) string {
		t.Helper()
		page := b.get(t, "/admin/audit?"+query)
		page.wants(t, http.StatusOK)
		_, rest, _ := strings.Cut(page.main(), "<tbody")
		text, _, _ := strings.Cut(rest, "</tbody>")
		return text
	}
	for query, want := range map[string][3]string{ // one that is in it, one that is not
		"action=group.created":              {"Office &lt;b&gt;", `href="/admin/groups/` + kept.ID, "Group removed"},
		"actor=" + viewer.ID:                {"192.0.2.77", "Group created", gone.ID},
		"subject=" + gone.ID:                {"Group removed", gone.ID, "Office"},
		"since=" + day(h.Clock.Now()):       {"Group removed", "Signed in", "Account created"},
		"until=" + day(before):              {"Role given", viewer.Name, "Group created"},
		"q=192.0.2.77&action=group.created": {"Office", viewer.Name, gone.ID},
	} {
		text := rows(query)
		if !strings.Contains(text, want[0]) || !strings.Contains(text, want[1]) || strings.Contains(text, want[2]) {
			t.Errorf("%s: wants %q and %q and not %q:\n%s", query, want[0], want[1], want[2], text)
		}
	}
	for _, query := range []string{"action=bogus", "actor=" + viewer.ID + "x", "subject=%25", "until=1999-12-31"} {
		if text := rows(query); text != "" {
			t.Errorf("%s finds\n%s", query, text)
		}
	}
	page := b.get(t, "/admin/audit?actor=%22%3E%3Cscript%3E")
	if page.wants(t, http.StatusOK, `name="actor" value="&#34;&gt;&lt;script&gt;"`); strings.Contains(page.Text, `"><script>`) {
		t.Error("what was typed becomes markup")
	}
}

func TestAuditPageVerifies(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "viewer@example.com", role.Viewer)
	head, err := h.Journal.Audit.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.send(t, "/admin/audit/verify").wants(t, http.StatusOK, "The log is whole", "guildhall identity audit verify")
	b.send(t, "/admin/audit/verify", "head", strings.ReplaceAll(head.Note, "\n", "\r\n")).wants(t, http.StatusOK, "The log is whole")
	b.send(t, "/admin/audit/verify", "head", "garbage").wants(t, http.StatusUnprocessableEntity, `id="f-head-error"`, "garbage")
	export := b.get(t, "/admin/audit/export")
	export.wants(t, http.StatusOK)
	if report, err := audit.VerifyExport(strings.NewReader(export.Text), h.Journal.Audit.VerifierKey()); err != nil || !report.OK() {
		t.Errorf("the export: %+v, %v", report, err)
	}
	if name := export.Header.Get("Content-Disposition"); !strings.Contains(name, "guildhall-identity-audit-") {
		t.Errorf("the export is called %s", name)
	}
	h.must(t, `UPDATE audit_entries SET actor = 'somebody else' WHERE seq = 1`)
	b.send(t, "/admin/audit/verify").wants(t, http.StatusOK, "tampered with or damaged", "Row 1", "Changed")
}

// Every action has a name in every language.
func TestActionsAreCalledSomething(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	for _, language := range []string{"en", "zh-CN", "pl"} {
		b, _ := h.holder(t, strings.ToLower(language)+"@example.com", role.Viewer)
		b.cookies["lang"] = &http.Cookie{Name: "lang", Value: language}
		page := b.get(t, "/admin/audit")
		page.wants(t, http.StatusOK, `<html lang="`+language)
		for _, action := range append(journal.Actions(), audit.ProcessActions()...) {
			if !strings.Contains(page.Text, `<option value="`+action+`">`) || strings.Contains(page.Text, ">"+action+"<") {
				t.Errorf("%s has no name in %s", action, language)
			}
		}
	}
}
