package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// atShell is who started this program.
func atShell() audit.Caller { return audit.Caller{Actor: local + ":" + startName(), From: local} }

// record writes an entry into the audit log of every service that keeps one:
// administrators enter them all. On an error nothing may be done of what the entry
// says, though some of the logs may have it.
func (a *App) record(ctx context.Context, by audit.Caller, action, subject string, detail map[string]any) error {
	for _, s := range a.services {
		if s.svc.Journal == nil {
			continue
		}
		if err := s.svc.Journal.Record(ctx, by, action, subject, detail); err != nil {
			s.env.Log.ErrorContext(ctx, "the audit log does not take an entry", "action", action, "subject", subject, "by", by.Actor, "err", err)
			return fault.New(fault.Unavailable, "not_recorded", "This was not done, because the audit log of %s does not take the entry: %s",
				s.def.Name, fault.As(err).Detail).With(map[string]any{"Service": s.def.Name}).Because(err)
		}
	}
	return nil
}

// mustRecord writes an entry about what was done to the service already, into its
// audit log or, before that is open, into a note for it. A failure is the log's.
func (s *running) mustRecord(ctx context.Context, by audit.Caller, action, subject string, detail map[string]any) {
	ctx = context.WithoutCancel(ctx)
	var err error
	switch {
	case !s.made:
		err = s.note(by, action, subject, detail).Leave(s.env.Dir)
	case s.svc.Journal != nil:
		err = s.svc.Journal.Record(ctx, by, action, subject, detail)
	}
	if err != nil {
		s.env.Log.ErrorContext(ctx, "this was not recorded in the audit log", "action", action, "subject", subject, "by", by.Actor, "err", err)
	}
}

// recordProcess writes what is done to the process itself into the audit log of every
// service. A log that takes nothing keeps nobody from doing it: stopping may be how
// that is mended.
func (a *App) recordProcess(ctx context.Context, by audit.Caller, action, how string) {
	for _, s := range a.services {
		s.mustRecord(ctx, by, action, "process", map[string]any{"how": how})
	}
}

func (s *running) note(by audit.Caller, action, subject string, detail map[string]any) audit.Note {
	return audit.Note{ID: id.New("note"), At: s.env.Now(), By: by, Action: action, Subject: subject, Detail: detail}
}

// recordNotes records what happened to the service while its audit log was not
// open. A damaged log opens all the same, else nobody could ask it what is damaged;
// the notes wait.
func (s *running) recordNotes(ctx context.Context) error {
	if s.svc.Journal == nil {
		if err := os.RemoveAll(filepath.Join(s.env.Dir, audit.NotesDir)); err != nil {
			return fmt.Errorf("remove notes for the audit log: %w", err)
		}
		return nil
	}
	err := s.svc.Journal.RecordNotes(ctx, s.env.Dir)
	if errors.Is(err, audit.ErrDamaged) {
		s.env.Log.ErrorContext(ctx, "what was done while the service did not run is not in its audit log yet", "err", err)
		return nil
	}
	return err
}
