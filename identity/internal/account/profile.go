package account

import (
	"context"
	"database/sql"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
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
	return s.administer(ctx, id, func(tx *sql.Tx, row *store.Account) error {
		return s.setProfile(ctx, tx, row, Profile{Name: name, Language: language, Theme: theme}, by)
	})
}

// Prefer changes the language alone, as the header of a page does.
func (s *Service) Prefer(ctx context.Context, id, language string, by audit.Caller) error {
	var wrong fields
	language = wrong.language(language)
	if err := wrong.err(); err != nil {
		return err
	}
	return s.administer(ctx, id, func(tx *sql.Tx, row *store.Account) error {
		if row.Language == language {
			return nil
		}
		return s.setProfile(ctx, tx, row, Profile{Name: row.Name, Language: language, Theme: row.Theme}, by)
	})
}

func (s *Service) setProfile(ctx context.Context, tx *sql.Tx, row *store.Account, to Profile, by audit.Caller) error {
	if err := s.o.Store.SetProfile(ctx, tx, row.ID, to.Name, to.Language, to.Theme); err != nil {
		return err
	}
	detail := map[string]any{}
	if row.Name != to.Name {
		detail["name"] = "changed"
	}
	if row.Language != to.Language {
		detail["language"] = map[string]any{"old": row.Language, "new": to.Language}
	}
	if row.Theme != to.Theme {
		detail["theme"] = map[string]any{"old": row.Theme, "new": to.Theme}
	}
	return s.o.Journal.Append(ctx, tx, by, journal.ProfileChanged, row.ID, detail)
}
