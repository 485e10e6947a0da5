package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"io/fs"
	"log/slog"
	"time"

	"guildhall/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// MigrationsTable is the goose table of the queue's migrations.
const MigrationsTable = "jobs_migrations"

// Migrations are the queue's migrations, for restoring a backup.
func Migrations() fs.FS { return db.Folder(migrations, "migrations") }

// Queue is the jobs of one service. Register the kinds with Handle and Every,
// then call Run; the methods that read and enqueue need no Run.
type Queue struct {
	DB  *db.DB
	Now func() time.Time
	Log *slog.Logger

	node              string // this process's token
	poll, drain, keep time.Duration
	handlers          map[string]*handler
}

// Options configure a Queue. DB is needed; the zero value of the rest is a
// sensible default.
type Options struct {
	DB  *db.DB
	Now func() time.Time
	Log *slog.Logger
	// Poll is how often a node looks for jobs that it was not woken for: those
	// of other nodes, and of transactions whose process died. Default 5 s.
	Poll time.Duration
	// Drain is how long Run lets running jobs finish when its context ends,
	// before it cancels theirs. Default 10 s.
	Drain time.Duration
	// Keep is how long done jobs stay to be looked at. Default 7 days.
	Keep time.Duration
}

// New makes a queue. Call Migrate before anything else.
func New(o Options) *Queue {
	q := &Queue{DB: o.DB, Now: o.Now, Log: o.Log,
		node:     rand.Text(),
		poll:     cmp.Or(o.Poll, 5*time.Second),
		drain:    cmp.Or(o.Drain, 10*time.Second),
		keep:     cmp.Or(o.Keep, 7*24*time.Hour),
		handlers: map[string]*handler{},
	}
	if q.Now == nil {
		q.Now = time.Now
	}
	if q.Log == nil {
		q.Log = slog.New(slog.DiscardHandler)
	}
	q.Every(pruneKind, Interval(time.Hour), q.prune)
	return q
}

// Migrate makes or updates the queue's tables.
func (q *Queue) Migrate(ctx context.Context) error {
	return q.DB.Migrate(ctx, Migrations(), MigrationsTable)
}

// Job is a job as a handler and an administrator see it.
type Job struct {
	ID      string          `json:"id"`
	Kind    string          `json:"kind"`
	Key     string          `json:"key,omitempty"`
	Payload json.RawMessage `json:"payload"`
	State   State           `json:"state"`
	// Attempt counts the runs, the present one included.
	Attempt int `json:"attempt"`
	// Due is when a waiting job runs next, when a running one's lease ends, and
	// when a finished one ended.
	Due      time.Time `json:"due"`
	Enqueued time.Time `json:"enqueued"`
	// Error is what the last failed attempt said.
	Error string `json:"error,omitempty"`

	owner string
}

// State is where a job stands; the package comment draws how it moves.
type State string

// The states of a job.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Dead    State = "dead"
)

// HandlerOptions say how the jobs of a kind are run. The zero value of each is
// its default.
type HandlerOptions struct {
	// MaxAttempts is how often a job is tried before it is dead. Default 10,
	// which with the default back-off takes about 17 minutes.
	MaxAttempts int
	// Lease is how long after its last heartbeat a job is taken for abandoned.
	// Default 30 s. Heartbeats come at a third of it.
	Lease time.Duration
	// Concurrency is how many jobs of the kind this node runs at once. Default 1.
	Concurrency int
	// Backoff is the wait after the first failure, doubled after each one up to
	// MaxBackoff, give or take a fifth. Defaults 2 s and 1 h.
	Backoff, MaxBackoff time.Duration
	// Rest is how long a job that was enqueued once more while it ran waits before
	// it does; it is asked after each run. Nil: not at all.
	Rest func() time.Duration
}

type handler struct {
	HandlerOptions
	kind     string
	fn       func(ctx context.Context, j Job) error
	schedule *Schedule // of a periodic job
	wake     chan struct{}
}

// Handle registers what runs the jobs of a kind. fn's context ends when the
// queue was told to stop and the time to drain is over, or when the lease is
// lost. An error or a panic of fn is a failed attempt. Call it before Run; a
// second call for a kind is a mistake of the program and panics.
func (q *Queue) Handle(kind string, o HandlerOptions, fn func(ctx context.Context, j Job) error) {
	if _, taken := q.handlers[kind]; taken {
		panic("jobs: two handlers for kind " + kind)
	}
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 10)
	o.Lease = cmp.Or(o.Lease, 30*time.Second)
	o.Concurrency = cmp.Or(o.Concurrency, 1)
	o.Backoff = cmp.Or(o.Backoff, 2*time.Second)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, time.Hour)
	q.handlers[kind] = &handler{HandlerOptions: o, kind: kind, fn: fn, wake: make(chan struct{}, 1)}
}

// Every registers a periodic job: one node runs fn at each tick of s. A failed
// run is tried thrice more, then left for the next tick and logged.
func (q *Queue) Every(kind string, s Schedule, fn func(ctx context.Context) error) {
	q.Handle(kind, HandlerOptions{MaxAttempts: 4}, func(ctx context.Context, _ Job) error { return fn(ctx) })
	q.handlers[kind].schedule = &s
}

func (h *handler) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}
