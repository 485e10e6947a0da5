package app

import (
	"context"
	"net/http"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/jobs"
	"guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// jobsShown is how many jobs of a service one list shows.
const jobsShown = 200

// ServiceJob is a background job and the service it belongs to.
type ServiceJob struct {
	Service string `json:"service"`
	jobs.Job
}

var errNoService = fault.New(fault.NotFound, "no_such_service", "There is no such service in this process. \"guildhall status\" shows those that there are.")

// listJobs returns the newest jobs of every service that are in the state, or
// in any.
func (a *App) listJobs(ctx context.Context, state jobs.State) ([]ServiceJob, error) {
	all := []ServiceJob{}
	for _, s := range a.services {
		list, err := s.env.Jobs.List(ctx, jobs.Filter{State: state, Limit: jobsShown})
		if err != nil {
			return nil, err
		}
		for _, j := range list {
			all = append(all, ServiceJob{Service: s.def.Name, Job: j})
		}
	}
	return all, nil
}

func (a *App) retryJob(ctx context.Context, by audit.Caller, service, id string) error {
	for _, s := range a.services {
		if s.def.Name != service {
			continue
		}
		if err := s.env.Jobs.Retry(ctx, id); err != nil {
			return err
		}
		s.mustRecord(ctx, by, audit.JobRetried, id, nil)
		return nil
	}
	return errNoService
}

// retryFrom retries the job that a form names.
func (a *App) retryFrom(ctx context.Context, by audit.Caller, f *form.Form) error {
	service, id := f.Text("service", form.Required), f.Text("id", form.Required)
	if err := f.Err(); err != nil {
		return err
	}
	return a.retryJob(ctx, by, service, id)
}

func (a *App) controlJobs(w http.ResponseWriter, r *http.Request) {
	list, err := a.listJobs(r.Context(), jobs.State(r.URL.Query().Get("state")))
	if err != nil {
		fault.Write(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, list)
}

func (a *App) controlRetry(w http.ResponseWriter, r *http.Request) {
	if err := a.retryJob(r.Context(), session.Caller(r.Context(), r.RemoteAddr), r.PathValue("service"), r.PathValue("id")); err != nil {
		fault.Write(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// jobPages shows administrators the background work, and lets them retry what
// failed for good.
func (a *App) jobPages(shell *web.Shell, mux *http.ServeMux) {
	guard := session.Require(session.Everything, shell.Error)
	options := ui.ListOptions{Filters: []string{"state"}}
	mux.Handle("GET /jobs", guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := ui.ParseList(r.URL, options)
		list, err := a.listJobs(r.Context(), jobs.State(query.Filter("state")))
		if err != nil {
			shell.Error(w, r, err)
			return
		}
		ctx := r.Context()
		shell.Render(w, r, http.StatusOK, web.Page{Title: i18n.T(ctx, "app.jobs.title"), Lead: i18n.T(ctx, "app.jobs.lead"),
			Active: "/jobs", Body: jobTable(ctx, query, list, a.opts.Now())})
	})))
	mux.Handle("POST /jobs/retry", guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := form.Read(r)
		if err == nil {
			err = a.retryFrom(r.Context(), session.Caller(r.Context(), r.RemoteAddr), f)
		}
		if err != nil {
			shell.Error(w, r, err)
			return
		}
		shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "app.jobs.retried"))
		shell.Redirect(w, r, "/jobs")
	})))
}
