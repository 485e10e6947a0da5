package ca

import (
	"net/http"
	"strings"
	"testing"

	"guildhall/ca/internal/certificate"
	"guildhall/platform/audit"
	wire "guildhall/sdk/go/ca"
)

// TestEntriesNameTheCredential asks with a token that somebody called "nightly import".
func TestEntriesNameTheCredential(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, a *authority) {
		if _, err := a.client.Issue(t.Context(), wire.IssueRequest{Profile: "server", CommonName: "db1.example.com"}); err != nil {
			t.Fatal(err)
		}
		list, err := a.client.Audit(t.Context(), wire.AuditRequest{Action: "certificate.issued", Text: testTokenName})
		if err != nil || len(list.Entries) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		if e := list.Entries[0]; e.Actor != "break-glass:test" || e.Detail["actor_name"] != testTokenName || e.Detail["common_name"] != "db1.example.com" {
			t.Errorf("%+v", e)
		}
	})
}

// TestAuditPageShowsWhatTheProcessRecords asks for each of its actions, in every language.
func TestAuditPageShowsWhatTheProcessRecords(t *testing.T) {
	t.Parallel()
	v := visit(t)
	by := audit.Caller{Actor: "break-glass:bgc_0123456789", Name: "nightly import", From: "192.0.2.7"}
	for _, action := range audit.ProcessActions() {
		ok(t, v.journal.Record(t.Context(), by, action, "the subject", map[string]any{"name": "on call"}))
	}
	v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com"})
	for lang, actor := range map[string]string{"en": "nightly import (…456789)", "zh": "nightly import（…456789）",
		"pl": "nightly import (…456789)"} {
		v.Lang = lang
		for _, action := range audit.ProcessActions() {
			page := v.get(t, "/audit?action="+action)
			page.wants(t, http.StatusOK, actor, "192.0.2.7", `value="`+action+`" selected`)
			if strings.Contains(page.Text, "shop.example.com") || strings.Contains(page.Text, ">"+action+"<") {
				t.Errorf("%s in %s is not narrowed to, or has no name:\n%s", action, lang, page.Text)
			}
		}
	}
	v.Lang = "en"
	v.get(t, "/").wants(t, http.StatusOK, "nightly import (…456789)")
}
