package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// The ways a write can go; the property mixes them at random.
const (
	passes = iota
	fails
	breaksACheck
	panics
	isCancelledInside
	isCancelledSometime
	repeatsAKey
	kinds
)

// TestGroupProperty: whatever the mix of writes that run at once, those answered
// nil are stored exactly once, and no other leaves a trace.
func TestGroupProperty(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			mix := rapid.SliceOfN(rapid.IntRange(0, kinds-1), 1, 60).Draw(rt, "mix")
			answers := make([]error, len(mix))
			var wg sync.WaitGroup
			for i, kind := range mix {
				wg.Go(func() { answers[i] = oneWrite(d, kind, round, i) })
			}
			wg.Wait()
			checkAnswers(rt, d, round, mix, answers)
		})
	})
}

func checkAnswers(rt *rapid.T, d *db.DB, round int, mix []int, answers []error) {
	rows := rowsOf(rt, d, round)
	repeated := 0
	for i, kind := range mix {
		mayPass := kind == passes || kind == isCancelledSometime || kind == repeatsAKey
		mustPass := kind == passes
		if passed := answers[i] == nil; passed && !mayPass || !passed && mustPass {
			rt.Errorf("write %d of kind %d: answered %v", i, kind, answers[i])
		}
		want := 0
		if answers[i] == nil {
			want = 1
		}
		if kind == repeatsAKey {
			repeated += want
		}
		if rows[i] != want {
			rt.Errorf("write %d of kind %d: answered %v and stored %d times", i, kind, answers[i], rows[i])
		}
	}
	if slices.Contains(mix, repeatsAKey) && repeated != 1 {
		rt.Errorf("%d writes of the same key passed, want one", repeated)
	}
}

func oneWrite(d *db.DB, kind, round, i int) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer func() {
		if p, ok := recover().(*db.Panic); ok {
			err = p
		}
	}()
	if kind == isCancelledSometime {
		go func() {
			for range rand.IntN(2000) {
				runtime.Gosched()
			}
			cancel()
		}()
	}
	return d.Group(ctx, func(tx *sql.Tx) error {
		name := fmt.Sprintf("%d-%d", round, i)
		if kind == repeatsAKey {
			name = fmt.Sprintf("%d-same", round)
		}
		if err := insert(ctx, tx, name, i); err != nil {
			return err
		}
		switch kind {
		case fails:
			return errors.New("failed on purpose")
		case breaksACheck:
			return insert(ctx, tx, name+"-negative", -1)
		case panics:
			panic("on purpose")
		case isCancelledInside:
			cancel()
		}
		return nil
	})
}

// rowsOf counts the stored rows of a round by the number of the write.
func rowsOf(rt *rapid.T, d *db.DB, round int) map[int]int {
	rows, err := d.Read.Query(`SELECT n, COUNT(*) FROM things WHERE name LIKE $1 GROUP BY n`, fmt.Sprintf("%d-%%", round))
	if err != nil {
		rt.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	counts := map[int]int{}
	for rows.Next() {
		var n, count int
		if err := rows.Scan(&n, &count); err != nil {
			rt.Fatal(err)
		}
		counts[n] = count
	}
	if err := rows.Err(); err != nil {
		rt.Fatal(err)
	}
	return maps.Clone(counts)
}
