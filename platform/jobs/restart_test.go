package jobs_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

// TestPostgresRestartsUnderJobs: enqueuing and running go on by themselves after
// the server was stopped, and crashed, in between.
func TestPostgresRestartsUnderJobs(t *testing.T) {
	t.Parallel()
	cluster := guildtest.NewCluster(t)
	q := newQueue(t, guildtest.Open(t, cluster.Database(t), nil), time.Now)
	var mu sync.Mutex
	ran := map[string]bool{}
	q.Handle("mail", jobs.HandlerOptions{Concurrency: 4, Lease: 2 * time.Second}, func(_ context.Context, j jobs.Job) error {
		mu.Lock()
		defer mu.Unlock()
		ran[string(j.Payload)] = true
		return nil
	})
	run(t, q)
	enqueued := 0
	more := func(n int) {
		t.Helper()
		for range n {
			enqueue(t, q, "mail", enqueued, jobs.EnqueueOptions{})
			enqueued++
		}
	}
	for _, mode := range []string{"fast", "immediate"} {
		more(100)
		var stopped sync.WaitGroup
		stopped.Go(func() {
			if err := cluster.Stop(mode); err != nil {
				t.Error(err)
			}
			if err := cluster.Start(); err != nil {
				t.Error(err)
			}
		})
		more(50) // they wait for the server
		stopped.Wait()
	}
	eventually(t, "every job ran", func() bool { mu.Lock(); defer mu.Unlock(); return len(ran) == enqueued })
	eventually(t, "every job is done", func() bool {
		done, err := q.List(t.Context(), jobs.Filter{Kind: "mail", State: jobs.Done, Limit: 1000})
		return err == nil && len(done) == enqueued
	})
}
