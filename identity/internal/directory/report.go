package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// What becomes of somebody in a run.
const (
	Added    = "added"
	Changed  = "changed"
	Disabled = "disabled"
	Enabled  = "enabled"
	// Skipped is for whoever needs an administrator's eye; Why tells.
	Skipped = "skipped"
	// forgotten is somebody deleted here who has left the group: not reported.
	forgotten = "forgotten"
)

// Why somebody is changed, disabled or skipped.
const (
	WhyEmail = "email"
	WhyName  = "name"
	WhyMoved = "moved"
	// WhyRemoved and WhyDisabled tell why an account is disabled: its owner is no
	// member any more, or disabled in the directory.
	WhyRemoved  = "removed"
	WhyDisabled = "disabled"
	// WhyNoEmail and WhyBadEmail: without an address there is no account.
	WhyNoEmail  = "no_email"
	WhyBadEmail = "bad_email"
	// WhyTaken: an account that was not imported has the address.
	WhyTaken = "email_taken"
	// WhyTwice: two people of the directory have one address.
	WhyTwice = "email_twice"
	// WhyLastAdmin: nobody else could administer this installation.
	WhyLastAdmin = "last_admin"
	// WhyDisabledHere and WhyDeletedHere: what was decided here stays.
	WhyDisabledHere = "disabled_here"
	WhyDeletedHere  = "deleted_here"
)

// How a run ended.
const (
	Running = "running"
	Done    = "done"
	// Stopped is a run that changed nothing because it would have changed too much.
	Stopped = "stopped"
	Failed  = "failed"
)

// maxEntries bounds how many entries a report names; it counts the others.
const maxEntries = 2000

// Entry is what becomes of one person.
type Entry struct {
	What string   `json:"what"`
	Why  []string `json:"why,omitempty"`
	Name string   `json:"name"`
	// Email is what the directory says.
	Email string `json:"email"`
	DN    string `json:"dn"`
	// Account is ours; empty where there is none.
	Account string `json:"account,omitempty"`
}

// Report is what a run read and did, or would do.
type Report struct {
	ID        string    `json:"id"`
	Dry       bool      `json:"dry,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// By is who asked for it; zero for the schedule.
	By audit.Caller `json:"by,omitzero"`
	// Beyond says that the limit did not count.
	Beyond  bool   `json:"beyond,omitempty"`
	Outcome string `json:"outcome"`
	// Code, Detail and Exact say why it did not end well: the fault's, and what the
	// server said.
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
	Exact  string `json:"exact,omitempty"`
	// Read is how many people the directory named, Ignored how many of them are
	// disabled there and were never imported.
	Read    int `json:"read"`
	Ignored int `json:"ignored"`
	// Added and the others count what was done.
	Added    int `json:"added"`
	Changed  int `json:"changed"`
	Disabled int `json:"disabled"`
	Enabled  int `json:"enabled"`
	Skipped  int `json:"skipped"`
	// Entries names at most 2000.
	Entries []Entry `json:"entries"`
}

// add counts and names what became of somebody.
func (r *Report) add(e Entry) {
	switch e.What {
	case Added:
		r.Added++
	case Changed:
		r.Changed++
	case Disabled:
		r.Disabled++
	case Enabled:
		r.Enabled++
	case Skipped:
		r.Skipped++
	default:
		return
	}
	if len(r.Entries) < maxEntries {
		r.Entries = append(r.Entries, e)
	}
}

// Fault is why it did not end well, or nil.
func (r *Report) Fault() error {
	if r.Code == "" {
		return nil
	}
	return fault.New(fault.Unavailable, r.Code, "%s", r.Detail).With(map[string]any{"Exact": r.Exact})
}

// end says how a run ended.
func (r *Report) end(err error) {
	r.Outcome = Done
	if err == nil {
		return
	}
	e := fault.As(err)
	r.Outcome, r.Code, r.Detail, r.Exact = Failed, e.Code, e.Detail, Exact(err)
	if e.Is(ErrEmpty) || e.Is(ErrLimit) {
		r.Outcome = Stopped
	}
}

// row is the report as it is kept.
func (r *Report) row() (*store.DirectoryRun, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("keep a report of the import: %w", err)
	}
	return &store.DirectoryRun{ID: r.ID, StartedAt: r.StartedAt, Dry: r.Dry, Outcome: r.Outcome, Report: string(text)}, nil
}

func readReport(row *store.DirectoryRun) (*Report, error) {
	var r Report
	if err := json.Unmarshal([]byte(row.Report), &r); err != nil {
		return nil, fmt.Errorf("read a report of the import: %w", err)
	}
	return &r, nil
}

// Outcomes are the values of Report.Outcome.
func Outcomes() []string { return []string{Running, Done, Stopped, Failed} }

// Report is the report of the run with the id, or ErrNoRun.
func (s *Service) Report(ctx context.Context, id string) (*Report, error) {
	row, err := s.o.Store.DirectoryRun(ctx, id)
	if err == nil && row == nil {
		err = ErrNoRun
	}
	if err != nil {
		return nil, err
	}
	return readReport(row)
}

// Reports is a page of reports with the outcome ("": all), newest first, and how
// many there are.
func (s *Service) Reports(ctx context.Context, outcome string, offset, limit int) (page []*Report, total int, err error) {
	rows, total, err := s.o.Store.DirectoryRuns(ctx, outcome, offset, limit)
	if err != nil {
		return nil, 0, err
	}
	for _, row := range rows {
		r, err := readReport(row)
		if err != nil {
			return nil, 0, err
		}
		page = append(page, r)
	}
	return page, total, nil
}
