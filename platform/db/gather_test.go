package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

var errRead = errors.New("the database is away")

// held is a Gather whose queries wait until they are let go, one after the other, and
// answer with the number of the query.
type held struct {
	*db.Gather[string, int]

	begin chan []string // the keys of a query that begins
	end   chan error    // how it ends
}

func newHeld() *held {
	h := &held{begin: make(chan []string), end: make(chan error)}
	n := 0
	h.Gather = db.NewGather(func(_ context.Context, keys []string) (map[string]int, error) {
		h.begin <- keys
		err := <-h.end
		n++
		all := map[string]int{}
		for _, key := range keys {
			if key != "nothing" {
				all[key] = n
			}
		}
		return all, err
	})
	return h
}

// asked is what somebody who asked was told.
type asked struct {
	value int
	there bool
	err   error
}

func (h *held) ask(ctx context.Context, key string) <-chan asked {
	told := make(chan asked, 1)
	go func() {
		value, there, err := h.Get(ctx, key)
		told <- asked{value, there, err}
	}()
	synctest.Wait()
	return told
}

func TestGatherSharesTheNextQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHeld()
		first := h.ask(t.Context(), "a")
		if keys := <-h.begin; !slices.Equal(keys, []string{"a"}) {
			t.Fatalf("the first query is for %v", keys)
		}
		// "a" again: what is being read now may be older than this question.
		again, other, none := h.ask(t.Context(), "a"), h.ask(t.Context(), "b"), h.ask(t.Context(), "nothing")
		twice := h.ask(t.Context(), "b")
		h.end <- nil
		if got := <-first; got != (asked{1, true, nil}) {
			t.Errorf("the first was told %+v", got)
		}
		keys := <-h.begin
		slices.Sort(keys)
		if !slices.Equal(keys, []string{"a", "b", "nothing"}) {
			t.Errorf("the second query is for %v", keys)
		}
		h.end <- nil
		for name, told := range map[string]<-chan asked{"a": again, "b": other, "b again": twice} {
			if got := <-told; got != (asked{2, true, nil}) {
				t.Errorf("%s: told %+v", name, got)
			}
		}
		if got := <-none; got != (asked{}) {
			t.Errorf("of what is not there was told %+v", got)
		}
	})
}

func TestGatherFailsThoseWhoShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHeld()
		first := h.ask(t.Context(), "a")
		<-h.begin
		next := h.ask(t.Context(), "a")
		h.end <- errRead
		if got := <-first; !errors.Is(got.err, errRead) {
			t.Errorf("the first was told %+v", got)
		}
		<-h.begin
		h.end <- nil
		if got := <-next; got != (asked{2, true, nil}) {
			t.Errorf("who shared no failed query was told %+v", got)
		}
	})
}

func TestGatherLetsWhoGaveUpGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHeld()
		leaves, cancelFirst := context.WithCancel(t.Context())
		first := h.ask(leaves, "a")
		<-h.begin
		stays := h.ask(t.Context(), "b")
		ctx, cancel := context.WithCancel(t.Context())
		second := h.ask(ctx, "c")
		cancel()
		if got := <-second; !errors.Is(got.err, context.Canceled) {
			t.Errorf("who gave up was told %+v", got)
		}
		cancelFirst() // others may count on what he asks for
		h.end <- nil
		if got := <-first; got.err != nil && !errors.Is(got.err, context.Canceled) {
			t.Errorf("who asked for all was told %+v", got)
		}
		<-h.begin
		h.end <- nil
		if got := <-stays; got != (asked{2, true, nil}) {
			t.Errorf("who stayed was told %+v", got)
		}
		if _, _, err := h.Get(leaves, "a"); !errors.Is(err, context.Canceled) { // asks for nothing
			t.Errorf("who is gone already was told %v", err)
		}
	})
}

func TestGatherEndsAQueryThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := db.NewGather(func(ctx context.Context, _ []string) (map[string]int, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if _, _, err := g.Get(t.Context(), "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	})
}

// While the database answers nothing, nobody waits for those who came before him: else
// each query in the line takes its time, and the line grows.
func TestGatherEndsTheLineBehindAQueryThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const patience, many = 10 * time.Second, 500 // 8 queries
		g := db.NewGather(func(ctx context.Context, _ []string) (map[string]int, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		begun := time.Now()
		var line sync.WaitGroup
		for i := range many {
			line.Go(func() {
				if _, _, err := g.Get(t.Context(), fmt.Sprint(i)); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the error is %v", err)
				}
			})
		}
		line.Wait()
		if took := time.Since(begun); took != patience {
			t.Errorf("the last one waited for %s", took)
		}
		var after sync.WaitGroup
		after.Go(func() { _, _, _ = g.Get(t.Context(), "a") })
		after.Wait()
		if took := time.Since(begun); took != 2*patience {
			t.Errorf("who came later was told after %s", took)
		}
	})
}

func TestGatherAfterAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, end := make(chan struct{}), make(chan struct{})
		g := db.NewGather(func(_ context.Context, keys []string) (map[string]int, error) {
			if slices.Contains(keys, "bad") {
				begun <- struct{}{}
				<-end
				panic("bad")
			}
			return map[string]int{"good": 1}, nil
		})
		get := func(key string) (failed any) {
			defer func() {
				if v := recover(); v != nil {
					failed = v
				}
			}()
			if _, _, err := g.Get(t.Context(), key); err != nil {
				return err
			}
			return nil
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if got := get("bad"); got != "bad" {
				t.Errorf("the panic became %v", got)
			}
		})
		<-begun
		close(end)
		wg.Wait()
		if got := get("good"); got != nil {
			t.Errorf("the next query failed: %v", got)
		}
	})
}

// TestGatherSeesWhatWasCommitted lets many write a row and read it at once, each in
// queries that it shares: nobody misses his own write.
func TestGatherSeesWhatWasCommitted(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		var queries atomic.Int64
		g := db.NewGather(func(ctx context.Context, names []string) (map[string]int, error) {
			queries.Add(1)
			if len(names) > 64 {
				t.Errorf("a query is for %d", len(names))
			}
			rows, err := d.Read.QueryContext(ctx, `SELECT name, n FROM things WHERE n >= $1 AND `+d.Among("name", 2), 0, d.Texts(names))
			if err != nil {
				return nil, err
			}
			defer func() { _ = rows.Close() }()
			all := map[string]int{}
			for rows.Next() {
				var name string
				var n int
				if err := rows.Scan(&name, &n); err != nil {
					return nil, err
				}
				all[name] = n
			}
			return all, rows.Err()
		})
		const askers, each = 100, 5
		var wg sync.WaitGroup
		for asker := range askers {
			wg.Go(func() {
				for n := range each {
					// What JSON, LIKE and SQL would take for their own.
					name := fmt.Sprintf(`<"thing%%_\%d'%d"> ü`, asker, n)
					if _, there, err := g.Get(t.Context(), name); err != nil || there {
						t.Errorf("%s: there %v before it was written, %v", name, there, err)
					}
					if err := d.Group(t.Context(), func(tx *sql.Tx) error { return insert(t.Context(), tx, name, n) }); err != nil {
						t.Error(err)
					}
					if got, there, err := g.Get(t.Context(), name); err != nil || !there || got != n {
						t.Errorf("%s: %d, there %v, %v; wanted %d", name, got, there, err, n)
					}
				}
			})
		}
		wg.Wait()
		t.Logf("%d questions, %d queries", 2*askers*each, queries.Load())
	})
}
