package db

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// maxGather bounds how many keys one query of a Gather looks for.
	maxGather = 64
	// gatherTimeout is how long those who share a query wait for it, their turn
	// included: while a database answers nothing, they must not pile up.
	gatherTimeout = 10 * time.Second
)

// errAlone is what those get who shared a query that panicked.
var errAlone = errors.New("the query that was shared did not return")

// Gather reads what many ask for at once, as Group writes it: those who come while a
// query runs share the next one. The query may write by Group what all of them have to
// say, where one statement does. Nobody is told what was read before he asked, so a
// change that was committed by then is seen. It is safe for concurrent use.
type Gather[K comparable, V any] struct {
	read func(ctx context.Context, keys []K) (map[K]V, error)
	turn chan struct{} // holds a token while a query runs

	mu      sync.Mutex
	waiting *gathered[K, V] // for their turn; nil: nobody
}

// gathered is those who share a query.
type gathered[K comparable, V any] struct {
	keys map[K]bool
	done chan struct{} // closed when values and err are there
	// values lacks the keys that there is nothing under.
	values map[K]V
	err    error
}

// NewGather makes a Gather of a query for several keys, each once and at most 64; it
// leaves out those that there is nothing under. DB.Among says how to write it.
func NewGather[K comparable, V any](read func(ctx context.Context, keys []K) (map[K]V, error)) *Gather[K, V] {
	return &Gather[K, V]{read: read, turn: make(chan struct{}, 1)}
}

// Get is what is under the key now, if there is anything. Others may have got the same
// value, so it is not to be changed.
func (g *Gather[K, V]) Get(ctx context.Context, key K) (value V, there bool, err error) {
	if err := ctx.Err(); err != nil {
		return value, false, err
	}
	all, first := g.join(key)
	if first {
		g.lead(context.WithoutCancel(ctx), all)
	}
	select {
	case <-all.done:
		value, there = all.values[key]
		return value, there, all.err
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
}

// join adds a key to those that wait; whoever is first asks for all of them.
func (g *Gather[K, V]) join(key K) (all *gathered[K, V], first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if first = g.waiting == nil || len(g.waiting.keys) == maxGather; first {
		g.waiting = &gathered[K, V]{keys: map[K]bool{}, done: make(chan struct{})}
	}
	g.waiting.keys[key] = true
	return g.waiting, first
}

// lead waits for the turn of all, and asks.
func (g *Gather[K, V]) lead(ctx context.Context, all *gathered[K, V]) {
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	defer close(all.done)
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
		all.err = errAlone
		all.values, all.err = g.read(ctx, g.leave(all))
	case <-ctx.Done():
		g.leave(all)
		all.err = ctx.Err()
	}
}

// leave lets nobody join any more, and is the keys of those who did.
func (g *Gather[K, V]) leave(all *gathered[K, V]) []K {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == all {
		g.waiting = nil
	}
	return slices.Collect(maps.Keys(all.keys))
}

// Among is the condition that a column is one of the texts that Texts made parameter
// n of: one text of SQL however many they are, which the database prepares once.
func (d *DB) Among(column string, n int) string {
	parameter := "$" + strconv.Itoa(n)
	if d.Engine == Postgres {
		return column + " = ANY(" + parameter + ")"
	}
	return column + " IN (SELECT value FROM json_each(" + parameter + "))"
}

// Texts is the parameter of Among.
func (d *DB) Texts(list []string) any {
	if d.Engine == Postgres {
		return list
	}
	text, _ := json.Marshal(list) // strings always can be written
	return string(text)
}
