package account

import (
	"context"
	"database/sql"

	"guildhall/identity/internal/journal"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// errMeanwhile says that somebody else changed the same thing first.
var errMeanwhile = fault.New(fault.Conflict, "changed_meanwhile", "The account was changed in another window at the same time. Nothing was changed here; look at it and try again.")

// Update changes what a person says of himself.
func (s *Service) Update(ctx context.Context, id string, p Profile, by audit.Caller) error {
	var wrong fields
	name, language, theme := wrong.name(p.Name), wrong.language(p.Language), wrong.theme(p.Theme)
	if err := wrong.err(); err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		row, err := s.o.Store.AccountIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if row == nil {
			return ErrNotFound
		}
		if err := s.o.Store.SetProfile(ctx, tx, id, name, language, theme); err != nil {
			return err
		}
		detail := map[string]any{}
		if row.Name != name {
			detail["name"] = "changed"
		}
		if row.Language != language {
			detail["language"] = map[string]any{"old": row.Language, "new": language}
		}
		if row.Theme != theme {
			detail["theme"] = map[string]any{"old": row.Theme, "new": theme}
		}
		return s.o.Journal.Append(ctx, tx, by, journal.ProfileChanged, id, detail)
	})
}
