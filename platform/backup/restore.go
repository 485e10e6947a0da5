package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// Target is where a backup goes.
type Target struct {
	// Service is its name; a backup of another one is refused.
	Service string
	// Dir is the service's folder, and URL its database's address, as the
	// service is configured.
	Dir string
	URL string
	// Migrations are the program's, in the order in which a start applies them.
	// A backup that is newer than they are is refused.
	Migrations []Migrations
	// Identity is the age secret key of an encrypted backup.
	Identity string
	// Note tells the service's audit log of the restore, at the next start.
	Note audit.Note
	Log  *slog.Logger
}

// Migrations are the migrations that one goose table keeps count of.
type Migrations struct {
	Table string
	FS    fs.FS
}

// Restore brings a service back to what it was when the backup was made. The
// service must not run. Everything is read, checked and built anew beside what
// is there before that is replaced, so a Restore that fails has changed nothing.
// Data that is there already is replaced only with force. The errors are those
// of Inspect, ErrMismatch and ErrOverwrite.
func Restore(ctx context.Context, file string, t Target, force bool) error {
	if err := os.MkdirAll(filepath.Dir(t.Dir), 0o700); err != nil {
		return fmt.Errorf("make folder: %w", diskFull(err, t.Dir))
	}
	stage := t.Dir + ".restoring"
	if err := os.RemoveAll(stage); err != nil { // of a restore that was killed
		return fmt.Errorf("clear %s: %w", stage, err)
	}
	if err := os.Mkdir(stage, 0o700); err != nil {
		return fmt.Errorf("prepare restore: %w", diskFull(err, t.Dir))
	}
	err := restore(ctx, file, stage, t, force)
	return errors.Join(diskFull(err, t.Dir), os.RemoveAll(stage))
}

func restore(ctx context.Context, file, stage string, t Target, force bool) error {
	enough := func(m Manifest) error { return room(file, m.Members, stage) }
	m, err := unpack(ctx, file, t.Identity, enough, func(member Member, content io.Reader) error {
		to := filepath.Join(stage, filepath.FromSlash(member.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		mode := member.Mode
		if strings.HasPrefix(member.Name, databaseDir+"/") {
			mode = 0o600 // SQLite made the copy as the process's mask had it
		}
		return writeFile(to, mode, content)
	})
	if err != nil {
		return err
	}
	if err := fits(m, t); err != nil {
		return err
	}
	// The service's new folder; a backup without files has none.
	if err := os.MkdirAll(filepath.Join(stage, filesDir), 0o700); err != nil {
		return err
	}
	if err := t.Note.Leave(filepath.Join(stage, filesDir)); err != nil {
		return err
	}
	if m.Engine == db.SQLite {
		return restoreSQLite(ctx, file, m, stage, t, force)
	}
	return restorePostgres(ctx, m, stage, t, force)
}

// fits compares the backup with where it is to go.
func fits(m Manifest, t Target) error {
	scheme, _, _ := strings.Cut(t.URL, ":")
	engine := db.Postgres
	if scheme == string(db.SQLite) {
		engine = db.SQLite
	}
	switch {
	case m.Service != t.Service:
		return mismatch("it is of the service %s, not of %s", m.Service, t.Service)
	case m.Engine != engine:
		return mismatch("it holds a %s database, and %s is configured to use %s", m.Engine, t.Service, engine)
	}
	for table, version := range m.Migrations {
		known, err := newest(t.Migrations, table)
		if err != nil {
			return err
		}
		if version > known {
			return mismatch("a newer guildhall made it: %s is at version %d, this program knows %d. Restore it with the newer program", table, version, known)
		}
	}
	return nil
}

// newest is the last version of the table's migrations; 0 if there are none.
func newest(sets []Migrations, table string) (version int64, err error) {
	for _, set := range sets {
		if set.Table != table {
			continue
		}
		names, err := fs.Glob(set.FS, "*.sql")
		if err != nil {
			return 0, err
		}
		for _, name := range names {
			var v int64
			if _, err := fmt.Sscanf(name, "%d_", &v); err == nil {
				version = max(version, v)
			}
		}
	}
	return version, nil
}

func overwrites(what string) error {
	return fault.New(fault.Conflict, ErrOverwrite.Code,
		"There is data already: %s. Nothing was changed. Stop the service, and restore with --force to replace what is there.", what)
}

// interrupted is the note that stays when the program dies, or fails, between the
// database and the folder. It has the id of the other one, which takes its place.
func interrupted(n audit.Note) audit.Note {
	n.Action = audit.RestoreInterrupted
	return n
}

func restoreSQLite(ctx context.Context, file string, m Manifest, stage string, t Target, force bool) error {
	path, err := filepath.Abs(strings.TrimPrefix(t.URL, "sqlite:"))
	if err != nil {
		return err
	}
	if err := refuseOverwrite(t.Dir, path, force); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	dir, err := filepath.Abs(t.Dir)
	if err != nil {
		return err
	}
	from := filepath.Join(stage, filepath.FromSlash(m.database()))
	rel, err := filepath.Rel(dir, path)
	if err != nil || !filepath.IsLocal(rel) {
		// The database lives elsewhere: two steps, the database first.
		if err := room(file, onlyNamed(m.Members, m.database()), filepath.Dir(path)); err != nil {
			return err
		}
		if err := interrupted(t.Note).Leave(t.Dir); err != nil {
			return err
		}
		if err := replaceDatabase(from, path); err != nil {
			return err
		}
		return replaceDir(filepath.Join(stage, filesDir), t.Dir)
	}
	to := filepath.Join(stage, filesDir, rel)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return replaceDir(filepath.Join(stage, filesDir), t.Dir)
}

// refuseOverwrite looks for files that a restore would replace.
func refuseOverwrite(dir, database string, force bool) error {
	if force {
		return nil
	}
	if database != "" {
		if _, err := os.Lstat(database); err == nil {
			return overwrites(database)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() != backupsDir && e.Name() != audit.NotesDir && !strings.HasPrefix(e.Name(), stagePrefix) {
			return overwrites(filepath.Join(dir, e.Name()))
		}
	}
	return nil
}

func restorePostgres(ctx context.Context, m Manifest, stage string, t Target, force bool) error {
	if err := refuseOverwrite(t.Dir, "", force); err != nil {
		return err
	}
	d, err := load(ctx, t, m, filepath.Join(stage, databaseDir))
	if err != nil {
		return err
	}
	err = interrupted(t.Note).Leave(t.Dir)
	if err == nil {
		err = replaceSchema(ctx, d, t.Service, force)
	}
	if err != nil {
		if !errors.Is(err, db.ErrCommitUnknown) {
			err = errors.Join(err, t.Note.Withdraw(t.Dir))
			_ = os.Remove(t.Dir) // if nothing is in it, it was made for the note
		}
		return errors.Join(err, execAll(context.WithoutCancel(ctx), d, `DROP SCHEMA `+quote(d.Name)+` CASCADE`), d.Close())
	}
	return errors.Join(d.Close(), replaceDir(filepath.Join(stage, filesDir), t.Dir))
}
