package jobs_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

// start is where the clocks of these tests begin.
var start = time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)

// engines runs suite on both engines with a queue whose clock stands still.
func engines(t *testing.T, suite func(t *testing.T, q *jobs.Queue, clock *guildtest.Clock)) {
	t.Helper()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		clock := guildtest.NewClock(start)
		suite(t, newQueue(t, d, clock.Now), clock)
	})
}

func newQueue(t testing.TB, d *db.DB, now func() time.Time) *jobs.Queue {
	t.Helper()
	q := jobs.New(jobs.Options{DB: d, Now: now, Poll: 50 * time.Millisecond, Drain: 200 * time.Millisecond})
	if err := q.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return q
}

// run runs the queue until the test, or the returned function, ends it.
func run(t testing.TB, q *jobs.Queue) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func enqueue(t testing.TB, q *jobs.Queue, kind string, payload any, o jobs.EnqueueOptions) {
	t.Helper()
	err := q.DB.Group(context.Background(), func(tx *sql.Tx) error {
		return q.Enqueue(context.Background(), tx, kind, payload, o)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// list returns the jobs of a kind, the newest first.
func list(t testing.TB, q *jobs.Queue, kind string) []jobs.Job {
	t.Helper()
	found, err := q.List(context.Background(), jobs.Filter{Kind: kind, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// only waits until the kind has one job, in the state, and returns it.
func only(t testing.TB, q *jobs.Queue, kind string, state jobs.State) (j jobs.Job) {
	t.Helper()
	eventually(t, "one job "+kind+" "+string(state), func() bool {
		found := list(t, q, kind)
		if len(found) != 1 || found[0].State != state {
			return false
		}
		j = found[0]
		return true
	})
	return j
}
