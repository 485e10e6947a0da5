package web

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/ca/internal/journal"
	"guildhall/platform/audit"
	"guildhall/platform/audit/logpage"
	"guildhall/platform/web/ui"
)

// Event is an entry of the audit log and what its subject is called.
type Event struct {
	audit.Record
	// Name is the subject as people know it; URL is its page, or empty.
	Name, URL string
}

// detail is one value of an entry's detail; it is empty when there is none.
func (e Event) detail(name string) string {
	var fields map[string]any
	if json.Unmarshal(e.Detail, &fields) != nil {
		return ""
	}
	text, _ := fields[name].(string)
	return text
}

// why says more about the entry: the reason of a revocation or a refusal.
func (e Event) why(ctx context.Context) string {
	switch e.Action {
	case journal.Revoked:
		return known(ctx, "ca.reason."+e.detail("reason"), e.detail("reason"))
	case journal.TokenCreated:
		return e.detail("service")
	case audit.AccessCreated, audit.AccessEnded, audit.AccessEntered, audit.AccessLeft:
		return logpage.ShortWords(e.detail("name"))
	}
	switch code := e.detail("code"); code {
	case "":
		return ""
	case "invalid_fields": // the catalogue's sentence is for those who see the form; the record names the field
		return logpage.ShortWords(e.detail("why"))
	default:
		return known(ctx, "fault."+code, logpage.ShortWords(e.detail("why")))
	}
}

// actor is who did it, by name where the id tells nothing.
func (e Event) actor(ctx context.Context) string {
	if e.Actor == audit.System {
		return ActorName(ctx, e.Actor)
	}
	return logpage.ActorName(ctx, e.Record)
}

func (e Event) look() (ui.Tone, string) {
	switch e.Action {
	case journal.Created, journal.Issued:
		return ui.Good, "certificate"
	case journal.Renewed:
		return ui.Good, "refresh"
	case journal.Revoked:
		return ui.Bad, "ban"
	case journal.KeyExported, audit.AccessCreated, audit.AccessEntered:
		return ui.Warn, "key"
	case audit.BackupRestored, audit.RestoreInterrupted:
		return ui.Warn, "refresh"
	case journal.TokenCreated, journal.TokenWithdrawn:
		return ui.Neutral, "ticket"
	}
	if strings.HasSuffix(e.Action, "refused") || strings.HasSuffix(e.Action, "failed") {
		return ui.Warn, "alert"
	}
	return ui.Neutral, "info"
}

func timeline(ctx context.Context, events []Event, now time.Time) templ.Component {
	t := ui.Timeline{Now: now}
	for _, e := range events {
		tone, icon := e.look()
		t.Events = append(t.Events, ui.Event{At: e.At, Tone: tone, Icon: icon, Title: eventTitle(e), Text: e.actor(ctx)})
	}
	return t
}
