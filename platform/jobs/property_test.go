package jobs_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

// plan is one enqueued job of the property: how its transaction ends and how
// often it fails before it succeeds.
type plan struct {
	Number   int    `json:"number"`
	Round    int    `json:"round"`
	Key      string `json:"key"`
	Rollback bool   `json:"rollback"`
	Failures int    `json:"failures"`
	Panics   bool   `json:"panics"`
}

const propertyAttempts = 3

func drawPlan(rt *rapid.T, round, number int) plan {
	p := plan{Number: number, Round: round,
		Rollback: rapid.Bool().Draw(rt, "rollback"),
		Failures: rapid.IntRange(0, propertyAttempts+1).Draw(rt, "failures"),
		Panics:   rapid.Bool().Draw(rt, "panics"),
	}
	if rapid.Bool().Draw(rt, "keyed") {
		p.Key = fmt.Sprintf("%d-%d", round, rapid.IntRange(0, 2).Draw(rt, "key"))
	}
	return p
}

// ledger notes what the handlers ran.
type ledger struct {
	mu        sync.Mutex
	completed map[int]int // by number of the plan
	lastByKey map[string]int
}

func (l *ledger) handle(_ context.Context, j jobs.Job) error {
	var p plan
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return err
	}
	if j.Attempt <= p.Failures {
		if p.Panics {
			panic("on purpose")
		}
		return errWanted
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.completed[p.Number]++
	if p.Key != "" {
		l.lastByKey[p.Key] = p.Number
	}
	return nil
}

// TestJobsProperty: whatever is enqueued, in committed and rolled back
// transactions, while two workers run: every committed job is completed or
// dead, none of a rolled back transaction runs, and of each key the last one
// committed has its turn.
func TestJobsProperty(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		l := &ledger{completed: map[int]int{}, lastByKey: map[string]int{}}
		var queue *jobs.Queue
		for range 2 {
			queue = newQueue(t, d, time.Now)
			queue.Handle("work", jobs.HandlerOptions{MaxAttempts: propertyAttempts, Concurrency: 2, Backoff: time.Millisecond}, l.handle)
			run(t, queue)
		}
		round, number := 0, 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			var plans []plan
			for range rapid.IntRange(1, 12).Draw(rt, "jobs") {
				number++
				p := drawPlan(rt, round, number)
				plans = append(plans, p)
				enqueuePlan(rt, queue, p)
			}
			settled(t, queue)
			l.check(rt, queue, plans)
		})
	})
}

func enqueuePlan(rt *rapid.T, q *jobs.Queue, p plan) {
	err := q.DB.Group(context.Background(), func(tx *sql.Tx) error {
		if err := q.Enqueue(context.Background(), tx, "work", p, jobs.EnqueueOptions{Key: p.Key}); err != nil {
			return err
		}
		if p.Rollback {
			return errWanted
		}
		return nil
	})
	if err != nil && !errors.Is(err, errWanted) {
		rt.Fatal(err)
	}
}

// settled waits until nothing of the kind waits or runs.
func settled(t *testing.T, q *jobs.Queue) {
	t.Helper()
	eventually(t, "all jobs ended", func() bool {
		stats, err := q.Stats(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stats {
			if s.Kind == "work" && (s.State == jobs.Waiting || s.State == jobs.Running) {
				return false
			}
		}
		return true
	})
}

func (l *ledger) check(rt *rapid.T, q *jobs.Queue, plans []plan) {
	dead := deadPlans(rt, q)
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[string]plan{}
	for _, p := range plans {
		done := l.completed[p.Number] > 0
		switch {
		case p.Rollback && (done || dead[p.Number]):
			rt.Errorf("%+v was rolled back and ran", p)
		case !p.Rollback && p.Key == "" && done == dead[p.Number]:
			rt.Errorf("%+v: completed %v, dead %v", p, done, dead[p.Number])
		case !p.Rollback && p.Key == "" && done != (p.Failures < propertyAttempts):
			rt.Errorf("%+v: completed %v", p, done)
		case !p.Rollback && p.Key != "":
			last[p.Key] = p
		}
	}
	for key, p := range last {
		if l.lastByKey[key] != p.Number && !dead[p.Number] {
			rt.Errorf("key %s: the last committed job %+v had no turn", key, p)
		}
	}
}

func deadPlans(rt *rapid.T, q *jobs.Queue) map[int]bool {
	found, err := q.List(context.Background(), jobs.Filter{Kind: "work", State: jobs.Dead, Limit: 1000})
	if err != nil {
		rt.Fatal(err)
	}
	dead := map[int]bool{}
	for _, j := range found {
		var p plan
		if err := json.Unmarshal(j.Payload, &p); err != nil {
			rt.Fatal(err)
		}
		dead[p.Number] = true
	}
	return dead
}
