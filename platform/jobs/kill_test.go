package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

const (
	workerURL   = "GUILDHALL_TEST_WORKER_URL"
	workerReady = "the job is under way"
)

// TestAtLeastOnceUnderKill runs a worker in a second process, kills it by
// SIGKILL in the middle of a job, and sees another worker finish that job.
func TestAtLeastOnceUnderKill(t *testing.T) {
	if url := os.Getenv(workerURL); url != "" {
		workUntilKilled(t, url)
		return
	}
	t.Parallel()
	for engine, url := range map[db.Engine]string{db.SQLite: guildtest.SQLite(t), db.Postgres: guildtest.Postgres(t)} {
		q := newQueue(t, guildtest.Open(t, url, nil), time.Now)
		for round := range 3 {
			enqueue(t, q, "mail", fmt.Sprintf("%s %d", engine, round), jobs.EnqueueOptions{})
			killAWorker(t, url)
			finishWhatWasLeft(t, q, round+1)
		}
	}
}

// workUntilKilled is what the child process does.
func workUntilKilled(t *testing.T, url string) {
	q := newQueue(t, guildtest.Open(t, url, nil), time.Now)
	q.Handle("mail", jobs.HandlerOptions{Lease: time.Second}, func(ctx context.Context, _ jobs.Job) error {
		fmt.Println(workerReady)
		<-ctx.Done()
		return ctx.Err()
	})
	if err := q.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func killAWorker(t *testing.T, url string) {
	t.Helper()
	// Not t.Name() of a subtest: the child runs the test from its top.
	cmd := guildtest.Again(t, workerURL+"="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	ready := false
	for lines := bufio.NewScanner(out); !ready && lines.Scan(); {
		said = append(said, lines.Text())
		ready = strings.Contains(lines.Text(), workerReady)
	}
	if err := cmd.Process.Kill(); err != nil { // SIGKILL, to this very process
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !ready {
		t.Fatalf("the worker ended with %v and said:\n%s", err, strings.Join(said, "\n"))
	}
}

// finishWhatWasLeft runs a worker here until n jobs are done in all.
func finishWhatWasLeft(t *testing.T, q *jobs.Queue, n int) {
	t.Helper()
	left := list(t, q, "mail")[0]
	if left.State != jobs.Running || left.Attempt != 1 {
		t.Fatalf("the killed worker left %+v", left)
	}
	here := newQueue(t, q.DB, time.Now)
	here.Handle("mail", jobs.HandlerOptions{}, func(context.Context, jobs.Job) error { return nil })
	stop := run(t, here)
	defer stop()
	eventually(t, "the job left behind is done", func() bool {
		found, err := q.List(t.Context(), jobs.Filter{Kind: "mail", State: jobs.Done})
		return err == nil && len(found) == n && found[0].Attempt == 2
	})
}
