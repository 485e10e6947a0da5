package client

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/audit"
)

// exposed are the grant types of the metadata that are off unless somebody wants
// them by name: tokens in addresses, and passwords in an application's hands.
func exposed(m Metadata) (types []string) {
	for _, t := range []string{oauth.GrantImplicit, oauth.GrantPassword} {
		if m.Allows(t) {
			types = append(types, t)
		}
	}
	return types
}

func newly(now, before []string) []string {
	return slices.DeleteFunc(now, func(t string) bool { return slices.Contains(before, t) })
}

func (d *Desk) noteExposed(ctx context.Context, tx *sql.Tx, id string, types []string, by audit.Caller) error {
	if len(types) == 0 {
		return nil
	}
	return d.o.Journal.Append(ctx, tx, by, journal.ApplicationExposed, id, map[string]any{"grant_types": types})
}

func (d *Desk) warn(ctx context.Context, c Client, types []string) {
	for _, t := range types {
		d.o.Log.WarnContext(ctx, "an application may use a grant type that OAuth 2.1 has removed as insecure",
			"application", c.ID, "name", c.Name, "grant_type", t)
	}
}

// differences are the members that a change of metadata alters, with what they
// are now; null: gone.
func differences(was, now Metadata) (map[string]json.RawMessage, error) {
	before, err := members(was)
	if err != nil {
		return nil, err
	}
	diff, err := members(now)
	if err != nil {
		return nil, err
	}
	for name, value := range before {
		switch is, ok := diff[name]; {
		case !ok:
			diff[name] = json.RawMessage("null")
		case bytes.Equal(is, value):
			delete(diff, name)
		}
	}
	return diff, nil
}

func members(m Metadata) (all map[string]json.RawMessage, err error) {
	text, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("compare the metadata of an application: %w", err)
	}
	return all, nil
}
