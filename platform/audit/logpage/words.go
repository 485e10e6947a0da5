package logpage

import (
	"context"
	"encoding/json"
	"strings"

	"guildhall/platform/audit"
	"guildhall/platform/i18n"
)

// ActionName is what one of the process's actions is called in the reader's language;
// another stays as it is.
func ActionName(ctx context.Context, action string) string {
	return known(ctx, "web.audit.action."+action, action)
}

// ActorName is who did something, in few words, where nobody else has a name for
// them: the log's id of an administrator says more than fits. The page shows the id
// itself too.
func ActorName(ctx context.Context, r audit.Record) string {
	if name := detail(r, "actor_name"); name != "" {
		return i18n.T(ctx, "web.audit.actor.named", "Name", ShortWords(name), "ID", ending(r.Actor))
	}
	return Called(ctx, r.Actor)
}

// Called is ActorName of an id alone.
func Called(ctx context.Context, actor string) string {
	kind, rest, _ := strings.Cut(actor, ":")
	switch kind {
	case audit.System:
		return i18n.T(ctx, "web.audit.actor.system")
	case audit.Anonymous:
		return i18n.T(ctx, "web.audit.actor.anonymous")
	case "break-glass":
		return i18n.T(ctx, "web.audit.actor.admin", "ID", ending(rest))
	case "local":
		return i18n.T(ctx, "web.audit.actor.local", "Name", rest)
	case "peer":
		return i18n.T(ctx, "web.audit.actor.peer", "Name", rest)
	}
	return actor
}

// ShortWords cuts the words of a text that quotes what was typed, so that the text
// itself stays in sight.
func ShortWords(text string) string {
	const most = 40
	words := strings.Fields(text)
	for i, w := range words {
		if runes := []rune(w); len(runes) > most {
			words[i] = string(runes[:most-1]) + "…"
		}
	}
	return strings.Join(words, " ")
}

// detail is one value of a record's detail; it is empty when there is none.
func detail(r audit.Record, name string) string {
	var fields map[string]any
	if json.Unmarshal(r.Detail, &fields) != nil {
		return ""
	}
	text, _ := fields[name].(string)
	return text
}

// ending is the end of an id, which tells it from others at a glance.
func ending(id string) string { return id[max(len(id)-6, 0):] }

func known(ctx context.Context, key, fallback string) string {
	if s, ok := i18n.Lookup(ctx, key); ok {
		return s
	}
	return fallback
}
