package directory

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/id"
)

// Order is what a run is asked for.
type Order struct {
	// Dry changes nothing.
	Dry bool
	// Beyond lets it disable more people than the limit allows.
	Beyond bool
	// By is who asks; zero for the schedule.
	By audit.Caller
}

// Run reads the directory and does what follows from it. A run that went wrong has a
// report that says so; the error is for what kept it from beginning, or from keeping
// its report.
func (s *Service) Run(ctx context.Context, o Order) (*Report, error) {
	row, settings, password, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if !o.Dry && !row.Enabled {
		return nil, ErrOff
	}
	r := &Report{ID: id.New("dir"), Dry: o.Dry, Beyond: o.Beyond, By: o.By, StartedAt: s.now(), Outcome: Running, Entries: []Entry{}}
	bounded, cancel := context.WithTimeout(ctx, runMost)
	defer cancel()
	if o.Dry {
		r.end(s.work(bounded, settings, password, r))
		r.EndedAt = s.now()
		return r, s.tried(ctx, row.Version, r)
	}
	if err := s.begin(ctx, r, settings); err != nil {
		return nil, err
	}
	r.end(s.work(bounded, settings, password, r))
	return r, s.finish(context.WithoutCancel(ctx), r)
}

// work reads, plans, and unless it is dry does it.
func (s *Service) work(ctx context.Context, settings Settings, password string, r *Report) error {
	people, err := s.read(ctx, settings, password)
	if err != nil {
		return err
	}
	p, err := s.plan(ctx, people)
	if err != nil {
		return err
	}
	r.Read, r.Ignored = p.read, p.ignored
	stopped := error(nil)
	if p.read == 0 {
		stopped = ErrEmpty
	} else if !r.Beyond {
		stopped = p.within(settings.Limit)
	}
	if r.Dry || stopped != nil {
		for _, step := range p.steps { // what would have been done
			r.add(step.Entry)
		}
		return stopped
	}
	return s.apply(ctx, settings, p.steps, r)
}

// read is everybody who is in the group.
func (s *Service) read(ctx context.Context, settings Settings, password string) ([]Person, error) {
	l, err := s.connect(ctx, settings, password)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	reader := s.reader(l)
	group, err := reader.group()
	if err != nil {
		return nil, err
	}
	return reader.people(group)
}

// begin writes that a run is under way, unless another one is.
func (s *Service) begin(ctx context.Context, r *Report, settings Settings) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		other, err := s.o.Store.RunningIn(ctx, tx)
		if err != nil {
			return err
		}
		if other != nil {
			if r.StartedAt.Sub(other.StartedAt) < deadAfter {
				return ErrRunning
			}
			if err := s.bury(ctx, tx, other); err != nil {
				return err
			}
		}
		set, err := s.o.Store.DirectoryIn(ctx, tx)
		if err != nil {
			return err
		}
		set.Asked, set.AskedBy, set.DueAt = "", "", r.StartedAt.Add(settings.interval())
		if err := s.o.Store.PutDirectory(ctx, tx, set); err != nil {
			return err
		}
		return s.keep(ctx, tx, r)
	})
}

// bury ends the report of a run whose process died.
func (s *Service) bury(ctx context.Context, tx *sql.Tx, row *store.DirectoryRun) error {
	dead, err := readReport(row)
	if err != nil {
		return err
	}
	dead.end(ErrCut)
	return s.keep(ctx, tx, dead)
}

func (s *Service) keep(ctx context.Context, tx *sql.Tx, r *Report) error {
	row, err := r.row()
	if err != nil {
		return err
	}
	return s.o.Store.PutDirectoryRun(ctx, tx, row)
}

// finish keeps the report, and records the run.
func (s *Service) finish(ctx context.Context, r *Report) error {
	r.EndedAt = s.now()
	if r.Outcome != Done {
		s.o.Log.WarnContext(ctx, "the import from the directory did not end well", "run", r.ID, "outcome", r.Outcome, "code", r.Code, "detail", r.Detail, "exact", r.Exact)
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		if err := s.keep(ctx, tx, r); err != nil {
			return err
		}
		if err := s.o.Store.PurgeDirectoryRuns(ctx, tx, r.EndedAt.Add(-keepRuns)); err != nil {
			return err
		}
		return s.o.Journal.Append(ctx, tx, caller(r), journal.DirectoryRun, r.ID, map[string]any{"outcome": r.Outcome, "code": r.Code, "beyond": r.Beyond, "read": r.Read,
			"added": r.Added, "changed": r.Changed, "disabled": r.Disabled, "enabled": r.Enabled, "skipped": r.Skipped})
	})
}

// caller is who a run acts for.
func caller(r *Report) audit.Caller {
	if r.By == (audit.Caller{}) {
		return audit.Caller{Actor: audit.System}
	}
	return r.By
}

// tried keeps the report of a dry run, and notes that one of the version went well.
func (s *Service) tried(ctx context.Context, version int64, r *Report) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if err := s.keep(ctx, tx, r); err != nil {
			return err
		}
		row, err := s.o.Store.DirectoryIn(ctx, tx)
		if err != nil || row == nil || row.Version != version || r.Outcome == Failed || r.Code == ErrEmpty.Code {
			return err
		}
		row.Tried = version
		return s.o.Store.PutDirectory(ctx, tx, row)
	})
}

// Tick runs the import when it is due or asked for; a periodic job calls it. What
// goes wrong is in the report: the next run is when it is due.
func (s *Service) Tick(ctx context.Context) error {
	row, err := s.o.Store.Directory(ctx)
	if err != nil || row == nil || !row.Enabled || row.Asked == "" && s.now().Before(row.DueAt) {
		return err
	}
	order := Order{Beyond: row.Asked == "beyond"}
	if row.Asked != "" {
		if err := json.Unmarshal([]byte(row.AskedBy), &order.By); err != nil {
			return fmt.Errorf("read who asked for a run: %w", err)
		}
	}
	_, err = s.Run(ctx, order)
	if errors.Is(err, ErrRunning) || errors.Is(err, ErrOff) {
		return nil
	}
	return err
}

// Last is the report of the newest run that was not dry, nil before the first.
func (s *Service) Last(ctx context.Context) (*Report, error) {
	row, err := s.o.Store.LastDirectoryRun(ctx)
	if err != nil || row == nil {
		return nil, err
	}
	return readReport(row)
}
