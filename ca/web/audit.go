package web

import (
	"context"

	"guildhall/ca/internal/journal"
	"guildhall/platform/audit/logpage"
)

// AuditActions are the authority's actions that the audit log can be narrowed to.
func AuditActions() []string {
	return []string{journal.Issued, journal.IssueRefused, journal.Renewed, journal.RenewRefused, journal.Revoked, journal.RevokeRefused,
		journal.VerificationFailed, journal.KeyExported, journal.TokenCreated, journal.TokenRefused, journal.TokenWithdrawn, journal.Created}
}

// Entries are events as the page of the audit log shows them.
func Entries(ctx context.Context, events []Event) []logpage.Entry {
	list := make([]logpage.Entry, len(events))
	for i, e := range events {
		tone, _ := e.look()
		list[i] = logpage.Entry{Record: e.Record, Name: e.Name, URL: e.URL, By: e.actor(ctx), Tone: tone}
	}
	return list
}
