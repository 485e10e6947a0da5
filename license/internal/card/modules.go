package card

import (
	"context"
	"database/sql"
	"slices"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// SetModules gives a card modules that stand before those of its policy; nil: the
// policy's hold again. Wrong fields are called "modules".
func (d *Desk) SetModules(ctx context.Context, card string, modules []string, by audit.Caller) (store.Card, error) {
	if err := fault.Fields(policy.CheckModules(modules)...); err != nil {
		return store.Card{}, err
	}
	return d.change(ctx, card, by, func(_ *sql.Tx, c *store.Card) (done, error) {
		if slices.Equal(c.Modules, modules) && (c.Modules == nil) == (modules == nil) {
			return done{}, nil
		}
		detail := map[string]any{"old": c.Modules, "new": modules}
		c.Modules = modules
		return done{Changed, journal.CardModules, map[string]any{"modules": detail}}, nil
	})
}
