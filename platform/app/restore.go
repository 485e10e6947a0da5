package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/backup"
	"guildhall/platform/fault"
	"guildhall/platform/id"
	"guildhall/platform/jobs"
	"guildhall/platform/session"
)

// serviceTable counts the migrations of a service's own tables.
const serviceTable = "schema_migrations"

// migrations lists every goose table of a service's database.
func (d Definition) migrations() []backup.Migrations {
	own := []backup.Migrations{{Table: serviceTable, FS: d.Migrations}, {Table: jobs.MigrationsTable, FS: jobs.Migrations()}}
	if d.SignIn {
		own = append(own, backup.Migrations{Table: session.MigrationsTable, FS: session.Migrations()})
	}
	return append(own, d.Also...)
}

// Restore puts the backup in file in place of its service's data, while no
// process runs on the data directory. identity is the age secret key of an
// encrypted file. Existing data is replaced only with force.
func Restore(ctx context.Context, o Options, file, identity string, force bool) (backup.Manifest, error) {
	m, err := backup.Inspect(file, identity)
	if err != nil {
		return m, err
	}
	for _, d := range o.Definitions {
		if d.Name != m.Service {
			continue
		}
		dir, err := filepath.Abs(o.Config.Server.Data)
		if err != nil {
			return m, fmt.Errorf("find the data directory: %w", err)
		}
		release, err := lock(dir)
		if err != nil {
			return m, err
		}
		defer release()
		o.Config.Server.Data = dir
		return m, backup.Restore(ctx, file, backup.Target{Service: d.Name, Dir: o.Config.serviceDir(d.Name), URL: o.Config.databaseURL(d.Name),
			Migrations: d.migrations(), Identity: identity, Log: o.Log, Note: restored(file, m, o.Now())}, force)
	}
	return m, fault.New(fault.Invalid, "backup_of_other_service", "%s is a backup of %q, a service that this program does not have.", file, m.Service)
}

// restored tells the audit log of the restored service, once that is open, what
// was done to it.
func restored(file string, m backup.Manifest, now time.Time) audit.Note {
	return audit.Note{ID: id.New("note"), At: now, By: atShell(), Action: audit.BackupRestored, Subject: filepath.Base(file),
		Detail: map[string]any{"backup_of": m.CreatedAt.UTC().Format(time.RFC3339)}}
}
