package directory

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// sealName is what the password is sealed under.
const sealName = "directory/password"

// State is how the import is set up.
type State struct {
	Settings
	// SetUp says that there are settings; else Settings are the defaults.
	SetUp bool
	// Tried says that a dry run with these settings went well.
	Tried, Enabled bool
	// DueAt is when the next run begins, if Enabled; Asked says that somebody asked
	// for one that begins soon.
	DueAt time.Time
	Asked bool
	// Version is that of the settings.
	Version int64
}

// State says how the import is set up.
func (s *Service) State(ctx context.Context) (State, error) {
	row, err := s.o.Store.Directory(ctx)
	if err != nil {
		return State{}, err
	}
	return state(row)
}

func state(row *store.Directory) (State, error) {
	if row == nil {
		return State{Settings: DefaultSettings()}, nil
	}
	st := State{SetUp: true, Tried: row.Tried == row.Version, Enabled: row.Enabled, DueAt: row.DueAt, Asked: row.Asked != "", Version: row.Version}
	if err := json.Unmarshal([]byte(row.Settings), &st.Settings); err != nil {
		return State{}, fmt.Errorf("read the directory's settings: %w", err)
	}
	return st, nil
}

// Save keeps settings that replace those of the version (0: there are none yet). An
// empty password leaves the one that is kept, unless the servers change: a password
// is not sent to a server that it was not typed for. When other people are read, the
// import is switched off until a dry run has shown whom.
func (s *Service) Save(ctx context.Context, version int64, settings Settings, password string, by audit.Caller) error {
	settings, err := settings.clean(s.o.Production)
	var wrong fields
	if err != nil {
		wrong = fault.As(err).Fields
	}
	before, err := s.State(ctx)
	if err != nil {
		return err
	}
	if password == "" && (!before.SetUp || !slices.Equal(before.Servers, settings.Servers)) {
		wrong.add("password", "directory_password", "Type the password of the account that reads the directory. A password is not sent to a server that it was not typed for.")
	}
	if err := fault.Fields(wrong...); err != nil {
		return err
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return fmt.Errorf("keep the directory's settings: %w", err)
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		row, err := s.o.Store.DirectoryIn(ctx, tx)
		if err != nil {
			return err
		}
		if row == nil {
			row = &store.Directory{DueAt: s.now()}
		}
		if row.Version != version {
			return ErrChanged
		}
		row.Settings, row.ChangedAt = string(text), s.now()
		row.Version++
		if password != "" {
			row.Password = s.o.Key.Seal(sealName, []byte(password))
		}
		row.Enabled = row.Enabled && !settings.reads(before.Settings)
		if row.Enabled { // what is on was tried
			row.Tried = row.Version
			row.DueAt = earlier(row.DueAt, s.now().Add(settings.interval()))
		}
		if err := s.o.Store.PutDirectory(ctx, tx, row); err != nil {
			return err
		}
		if settings.SignIn {
			if err := s.o.Store.NoMustChange(ctx, tx); err != nil {
				return err
			}
		}
		return s.o.Journal.Append(ctx, tx, by, journal.DirectoryChanged, "directory", changes(before.Settings, settings, password != ""))
	})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// changes are old and new values for the audit log.
func changes(before, after Settings, password bool) map[string]any {
	detail := map[string]any{}
	if password {
		detail["password"] = "set"
	}
	old, next := values(before), values(after)
	for name := range next {
		if !reflect.DeepEqual(old[name], next[name]) {
			detail[name] = map[string]any{"old": old[name], "new": next[name]}
		}
	}
	return detail
}

// values are the settings by their JSON names; of certificates it says only how
// much there is of them.
func values(s Settings) map[string]any {
	return map[string]any{"servers": strings.Join(s.Servers, " "), "plain": s.Plain, "trust": s.Trust, "ca": fmt.Sprintf("%d bytes", len(s.CA)), "bind_dn": s.BindDN,
		"base_dn": s.BaseDN, "group_dn": s.GroupDN, "minutes": s.Minutes, "limit": s.Limit, "welcome": s.Welcome, "sign_in": s.SignIn, "language": s.Language}
}

// Switch switches the import on, after a dry run that went well, or off.
func (s *Service) Switch(ctx context.Context, on bool, by audit.Caller) error {
	return s.change(ctx, func(tx *sql.Tx, row *store.Directory) error {
		if on && row.Tried != row.Version {
			return ErrUntried
		}
		if row.Enabled == on {
			return nil
		}
		row.Enabled, row.DueAt, row.Asked = on, s.now(), ""
		action := journal.DirectoryOff
		if on {
			action = journal.DirectoryOn
		}
		return s.o.Journal.Append(ctx, tx, by, action, "directory", nil)
	})
}

// Ask has the import run soon; beyond lets it disable more people than the limit
// allows, once.
func (s *Service) Ask(ctx context.Context, beyond bool, by audit.Caller) error {
	asker, err := json.Marshal(by)
	if err != nil {
		return fmt.Errorf("keep who asks: %w", err)
	}
	return s.change(ctx, func(tx *sql.Tx, row *store.Directory) error {
		if !row.Enabled {
			return ErrOff
		}
		row.Asked, row.AskedBy = "run", string(asker)
		if beyond {
			row.Asked = "beyond"
		}
		return nil
	})
}

// change changes the row of settings that are there, and wakes the job.
func (s *Service) change(ctx context.Context, fn func(tx *sql.Tx, row *store.Directory) error) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		row, err := s.o.Store.DirectoryIn(ctx, tx)
		if err != nil {
			return err
		}
		if row == nil {
			return ErrNotSetUp
		}
		if err := fn(tx, row); err != nil {
			return err
		}
		if err := s.o.Store.PutDirectory(ctx, tx, row); err != nil {
			return err
		}
		return s.o.Jobs.Wake(ctx, tx, Job)
	})
}

// open is the row, its settings and the password.
func (s *Service) open(ctx context.Context) (*store.Directory, Settings, string, error) {
	row, err := s.o.Store.Directory(ctx)
	if err == nil && row == nil {
		err = ErrNotSetUp
	}
	if err != nil {
		return nil, Settings{}, "", err
	}
	st, err := state(row)
	if err != nil {
		return nil, Settings{}, "", err
	}
	password, err := s.o.Key.Open(sealName, row.Password)
	if err != nil {
		return nil, Settings{}, "", fmt.Errorf("open the directory's password: %w", err)
	}
	return row, st.Settings, string(password), nil
}
