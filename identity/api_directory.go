package identity

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/identity/internal/directory"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/identity"
)

type (
	directoryInput    struct{ Body wire.DirectoryUpdate }
	directoryRunInput struct{ Body wire.DirectoryRunRequest }
	directoryRunsPage struct {
		Outcome string `query:"outcome" enum:"running,done,stopped,failed" doc:"Only runs that ended so."`
		Offset  int    `query:"offset" minimum:"0" default:"0" doc:"How many to leave out."`
		Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	}
	directoryRunID struct {
		ID string `path:"id" maxLength:"100" doc:"Id of the run."`
	}
)

func (s *service) directoryOperations(api huma.API) {
	tags := []string{"Directory"}
	app.Register(api, huma.Operation{OperationID: "get-directory", Method: http.MethodGet, Path: "/api/v1/directory", Tags: tags,
		Summary: "Show how the import from the directory is set up", Description: "With the newest run that was not dry."}, s.getDirectory)
	app.Register(api, huma.Operation{OperationID: "set-directory", Method: http.MethodPut, Path: "/api/v1/directory", Tags: tags, MaxBodyBytes: 128 << 10,
		Summary:     "Set the import up",
		Description: "When servers, base or group change, the import is switched off until a dry run has shown whom it would change. Error code: directory_changed (the version is another by now)."},
		s.setDirectory, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "test-directory", Method: http.MethodPost, Path: "/api/v1/directory/test", Tags: tags,
		Summary: "Try the settings step by step", Description: "A step that failed is no error: ok is false. Error code: directory_not_set_up."}, s.testDirectory, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "switch-directory-on", Method: http.MethodPost, Path: "/api/v1/directory/on", Tags: tags,
		Summary: "Switch the import on", Description: "Error codes: directory_not_set_up, directory_untried (do a dry run first)."}, s.switchDirectory(true), http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "switch-directory-off", Method: http.MethodPost, Path: "/api/v1/directory/off", Tags: tags,
		Summary: "Switch the import off", Description: "Nobody is changed. Error code: directory_not_set_up."}, s.switchDirectory(false), http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "run-directory", Method: http.MethodPost, Path: "/api/v1/directory/runs", Tags: tags,
		Summary:     "Run the import now",
		Description: "Answers when it has ended. A run that was stopped or failed is no error: its outcome says so. Error codes: directory_not_set_up, directory_off, directory_running."},
		s.runDirectory, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "list-directory-runs", Method: http.MethodGet, Path: "/api/v1/directory/runs", Tags: tags,
		Summary: "List the runs of the last 30 days", Description: "Newest first, without their entries."}, s.listDirectoryRuns)
	app.Register(api, huma.Operation{OperationID: "get-directory-run", Method: http.MethodGet, Path: "/api/v1/directory/runs/{id}", Tags: tags,
		Summary: "Show the report of a run", Description: "Error code: directory_run_not_found."}, s.getDirectoryRun, http.StatusNotFound)
}

func (s *service) getDirectory(ctx context.Context, _ *struct{}) (*app.Output[wire.DirectoryState], error) {
	st, err := s.directory.State(ctx)
	if err != nil {
		return nil, err
	}
	last, err := s.directory.Last(ctx)
	if err != nil {
		return nil, err
	}
	w := &wire.DirectoryState{DirectorySettings: wireSettings(st.Settings), SetUp: st.SetUp, Version: st.Version, Tried: st.Tried, Enabled: st.Enabled}
	if st.Enabled {
		w.DueAt = &st.DueAt
	}
	if last != nil {
		w.Last = wireReport(last)
	}
	return &app.Output[wire.DirectoryState]{Body: w}, nil
}

func (s *service) setDirectory(ctx context.Context, in *directoryInput) (*app.Output[wire.DirectoryState], error) {
	b := in.Body
	settings := directory.Settings{Servers: b.Servers, Plain: b.Plain, Trust: b.Trust, CA: b.CA, BindDN: b.BindDN, BaseDN: b.BaseDN, GroupDN: b.GroupDN,
		Minutes: b.Minutes, Limit: b.Limit, Welcome: b.Welcome, SignIn: b.SignIn, Language: b.Language}
	if err := s.directory.Save(ctx, b.Version, settings, b.Password, app.Caller(ctx)); err != nil {
		return nil, err
	}
	return s.getDirectory(ctx, nil)
}

func (s *service) switchDirectory(on bool) func(context.Context, *struct{}) (*app.Output[wire.DirectoryState], error) {
	return func(ctx context.Context, _ *struct{}) (*app.Output[wire.DirectoryState], error) {
		if err := s.directory.Switch(ctx, on, app.Caller(ctx)); err != nil {
			return nil, err
		}
		return s.getDirectory(ctx, nil)
	}
}

func (s *service) testDirectory(ctx context.Context, _ *struct{}) (*app.Output[wire.DirectorySteps], error) {
	steps, err := s.directory.Test(ctx)
	if err != nil {
		return nil, err
	}
	out := &wire.DirectorySteps{OK: true, Steps: []wire.DirectoryStep{}}
	for _, st := range steps {
		w := wire.DirectoryStep{Name: st.Name, Server: st.Server, OK: st.OK, Exact: st.Exact()}
		if st.Err != nil {
			w.Code, w.Detail = st.Err.Code, st.Err.Detail
		}
		if st.OK {
			w.Found = found(st)
		}
		out.Steps, out.OK = append(out.Steps, w), out.OK && st.OK
	}
	return &app.Output[wire.DirectorySteps]{Body: out}, nil
}

// found says in English what a step that went well has found.
func found(st directory.Step) string {
	f := st.Facts
	switch st.Name {
	case directory.StepConnect:
		return f.Address
	case directory.StepTLS:
		if f.Plain {
			return "no TLS"
		}
		return fmt.Sprintf("%s, certificate for %s until %s", f.Protocol, f.Subject, f.Until.Format(time.DateOnly))
	case directory.StepBind:
		return f.BindDN
	case directory.StepGroup:
		return f.Group
	}
	return fmt.Sprintf("%d people, %d of them disabled, %d without an e-mail address", f.People, f.Off, f.NoEmail)
}

func (s *service) runDirectory(ctx context.Context, in *directoryRunInput) (*app.Output[wire.DirectoryReport], error) {
	r, err := s.directory.Run(ctx, directory.Order{Dry: in.Body.DryRun, Beyond: in.Body.Beyond, By: app.Caller(ctx)})
	if err != nil {
		return nil, err
	}
	return &app.Output[wire.DirectoryReport]{Body: wireReport(r)}, nil
}

func (s *service) listDirectoryRuns(ctx context.Context, in *directoryRunsPage) (*app.Output[wire.DirectoryRuns], error) {
	page, total, err := s.directory.Reports(ctx, in.Outcome, in.Offset, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &wire.DirectoryRuns{Runs: []wire.DirectoryReport{}, Total: total}
	for _, r := range page {
		r.Entries = nil
		out.Runs = append(out.Runs, *wireReport(r))
	}
	return &app.Output[wire.DirectoryRuns]{Body: out}, nil
}

func (s *service) getDirectoryRun(ctx context.Context, in *directoryRunID) (*app.Output[wire.DirectoryReport], error) {
	r, err := s.directory.Report(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &app.Output[wire.DirectoryReport]{Body: wireReport(r)}, nil
}

func wireSettings(s directory.Settings) wire.DirectorySettings {
	servers := s.Servers
	if servers == nil {
		servers = []string{}
	}
	return wire.DirectorySettings{Servers: servers, Plain: s.Plain, Trust: s.Trust, CA: s.CA, BindDN: s.BindDN, BaseDN: s.BaseDN, GroupDN: s.GroupDN,
		Minutes: s.Minutes, Limit: s.Limit, Welcome: s.Welcome, SignIn: s.SignIn, Language: s.Language}
}

func wireReport(r *directory.Report) *wire.DirectoryReport {
	w := &wire.DirectoryReport{ID: r.ID, Dry: r.Dry, StartedAt: r.StartedAt, Outcome: r.Outcome, Code: r.Code, Detail: r.Detail, Exact: r.Exact, Read: r.Read, Ignored: r.Ignored,
		Added: r.Added, Changed: r.Changed, Disabled: r.Disabled, Enabled: r.Enabled, Skipped: r.Skipped, Entries: []wire.DirectoryEntry{}}
	if !r.EndedAt.IsZero() {
		w.EndedAt = &r.EndedAt
	}
	for _, e := range r.Entries {
		w.Entries = append(w.Entries, wire.DirectoryEntry{What: e.What, Why: e.Why, Name: e.Name, Email: e.Email, DN: e.DN, Account: e.Account})
	}
	return w
}
