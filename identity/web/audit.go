package web

import (
	"context"
	"strings"

	"guildhall/platform/audit/logpage"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// ActionName is what an entry of the audit log says was done.
func ActionName(ctx context.Context, action string) string {
	if name, ok := i18n.Lookup(ctx, "identity.action."+action); ok {
		return name
	}
	return logpage.ActionName(ctx, action)
}

// ActionTone draws the eye to what was refused, and to what is dangerous.
func ActionTone(action string) ui.Tone {
	_, what, _ := strings.Cut(action, ".")
	for _, sign := range []string{"refused", "locked", "failed", "reused", "suspected", "insecure", "disabled", "removed", "deleted", "taken", "revoked"} {
		if strings.Contains(what, sign) && what != "unlocked" {
			return ui.Warn
		}
	}
	return ui.Neutral
}
