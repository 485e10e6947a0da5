package main

import (
	"context"
	"net/http"
	"net/url"

	"guildhall/platform/app"
	"guildhall/platform/jobs"
)

type jobsCommand struct {
	List  jobsListCommand  `cmd:"" help:"List background jobs, the newest of each service first."`
	Retry jobsRetryCommand `cmd:"" help:"Run a job again that failed at every attempt."`
}

type jobsListCommand struct {
	place `embed:""`
	State string `help:"Only jobs in this state: waiting, running, done or dead." enum:",waiting,running,done,dead" default:""`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (jobsListCommand) Help() string { return exitHelp }

// Run lists jobs of the running process.
func (c *jobsListCommand) Run(ctx context.Context, t terminal) error {
	client, _, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var list []app.ServiceJob
	if err := client.Do(ctx, http.MethodGet, "/jobs?state="+url.QueryEscape(c.State), nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return t.json(list)
	}
	for _, j := range list {
		t.printf("%s  %-8s %-24s %-8s attempt %d  %s  %s\n", j.ID, j.Service, j.Kind, j.State, j.Attempt, j.Due.Format("2006-01-02 15:04:05"), j.Error)
		if j.State == jobs.Dead {
			t.printf("    guildhall jobs retry %s %s\n", j.Service, j.ID)
		}
	}
	return nil
}

type jobsRetryCommand struct {
	place   `embed:""`
	Service string `arg:"" help:"The service the job belongs to."`
	ID      string `arg:"" help:"The job's id from \"guildhall jobs list\"."`
}

// Run makes the job due now, with all its attempts.
func (c *jobsRetryCommand) Run(ctx context.Context, t terminal) error {
	client, _, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	path := "/jobs/" + url.PathEscape(c.Service) + "/" + url.PathEscape(c.ID) + "/retry"
	if err := client.Do(ctx, http.MethodPost, path, nil, nil); err != nil {
		return err
	}
	t.printf("%s runs again\n", c.ID)
	return nil
}
