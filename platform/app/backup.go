package app

import (
	"context"
	"path/filepath"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/backup"
	"guildhall/platform/fault"
	"guildhall/platform/jobs"
)

// occasion is why a backup is made, and by whom.
type occasion struct {
	by    audit.Caller
	asked string
}

func byCommand(by audit.Caller) occasion { return occasion{by, "command"} }
func bySchedule() occasion               { return occasion{audit.Caller{Actor: audit.System}, "schedule"} }
func byStart() occasion                  { return occasion{audit.Caller{Actor: audit.System}, "start"} }
func beforeUpgrade() occasion            { return occasion{audit.Caller{Actor: audit.System}, "upgrade"} }

// backup writes one file of the service and drops those that are too old.
func (a *App) backup(ctx context.Context, s *running, why occasion) (string, error) {
	dir := a.cfg.backupDir(s.def.Name)
	file, err := backup.Create(ctx, backup.Source{Service: s.def.Name, Dir: s.env.Dir, DB: s.env.DB},
		backup.Options{To: dir, Recipient: a.cfg.Backup.Recipient, Now: a.opts.Now})
	if err != nil {
		if ctx.Err() == nil { // else it was called off
			f := fault.As(err)
			s.mustRecord(ctx, why.by, audit.BackupFailed, s.def.Name, map[string]any{"asked": why.asked, "code": f.Code, "why": f.Detail})
		}
		return "", err
	}
	s.env.Log.InfoContext(ctx, "backed up", "file", file)
	s.mustRecord(ctx, why.by, audit.BackupMade, filepath.Base(file), map[string]any{"asked": why.asked, "encrypted": a.cfg.Backup.Recipient != ""})
	return file, backup.Prune(dir, backup.Policy{Keep: a.cfg.Backup.Keep}, a.opts.Now())
}

// startBackup is the job that makes the backup of a start.
const startBackup = "platform.start_backup"

// scheduleBackups makes the daily backup a periodic job of the service, and
// says how that of the start is made.
func (a *App) scheduleBackups(s *running) error {
	at, err := jobs.ParseDaily(a.cfg.Backup.At, time.UTC)
	if err != nil {
		return err
	}
	run := func(ctx context.Context, why occasion) error {
		_, err := a.backup(ctx, s, why)
		return err
	}
	s.env.Jobs.Every("platform.backup", at, func(ctx context.Context) error { return run(ctx, bySchedule()) })
	s.env.Jobs.Handle(startBackup, jobs.HandlerOptions{}, func(ctx context.Context, _ jobs.Job) error { return run(ctx, byStart()) })
	return nil
}

// lastBackup is the newest backup file of a service, or empty.
func (a *App) lastBackup(service string) string {
	file, err := backup.Newest(a.cfg.backupDir(service))
	if err != nil {
		a.log.Warn("look for the newest backup", "service", service, "err", err)
	}
	return file
}
