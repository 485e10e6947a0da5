package db_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// TestMembersThatAreNamedFailAlone: what is gathered names its members that
// cannot be committed. Those fail, each with the error of its own attempt, and no
// other needs more than one attempt more.
func TestMembersThatAreNamedFailAlone(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		refused := []int{0, 7, 8, 63}
		runs, answers := make([]int, 64), make([]error, 64)
		oneBatch(t, d, 64, func(ctx context.Context, i int) {
			answers[i] = d.Group(ctx, func(tx *sql.Tx) error {
				runs[i]++
				refuse(d, tx, i, slices.Contains(refused, i))
				return insert(t.Context(), tx, name(i), 1)
			})
		})
		for i, err := range answers {
			of, named := errors.AsType[*refusal](err)
			if slices.Contains(refused, i) != named || named && of.i != i || !named && err != nil || runs[i] != 2 {
				t.Errorf("write %d ran %d times: %v", i, runs[i], err)
			}
		}
		if got := names(t, d); len(got) != 60 {
			t.Errorf("%d stored, want the 60 that pass", len(got))
		}
		err := d.WithTx(t.Context(), func(tx *sql.Tx) error { refuse(d, tx, 64, true); return nil })
		if of, ok := errors.AsType[*refusal](err); !ok || of.i != 64 {
			t.Errorf("WithTx: %v", err)
		}
		if got := d.Member(new(sql.Tx)); got != 0 {
			t.Errorf("the member of a transaction that is not ours is %d", got)
		}
	})
}

// TestNamedMemberIsJudgedAlone: a member that only another one's uncommitted work
// stands against is written when that is not committed after all.
func TestNamedMemberIsJudgedAlone(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		answers := make([]error, 2)
		oneBatch(t, d, 2, func(ctx context.Context, i int) {
			runs := 0
			answers[i] = d.Group(ctx, func(tx *sql.Tx) error {
				runs++
				if i == 0 {
					refuse(d, tx, i, runs == 1)
					return insert(t.Context(), tx, name(i), 1)
				}
				if runs == 1 {
					return insert(t.Context(), tx, name(i), 1)
				}
				return errOnPurpose
			})
		})
		if answers[0] != nil || !errors.Is(answers[1], errOnPurpose) {
			t.Errorf("answered %v", answers)
		}
		if got := names(t, d); len(got) != 1 || !got[name(0)] {
			t.Errorf("stored %v", got)
		}
	})
}

var errOnPurpose = errors.New("on purpose")

func name(i int) string { return string(rune('A' + i)) }

type refusal struct{ i int }

func (r *refusal) Error() string { return "refused " + name(r.i) }

// TestAnErrorThatNamesNobody is one like any other: whose it is, Group finds.
func TestAnErrorThatNamesNobody(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		answers := make([]error, 8)
		oneBatch(t, d, len(answers), func(ctx context.Context, i int) {
			answers[i] = d.Group(ctx, func(tx *sql.Tx) error {
				if i == 5 {
					d.BeforeCommit(tx, func() error { return &db.MembersError{Err: errOnPurpose} })
				}
				return insert(t.Context(), tx, name(i), 1)
			})
		})
		for i, err := range answers {
			if i == 5 != errors.Is(err, errOnPurpose) || i != 5 && err != nil {
				t.Errorf("write %d: %v", i, err)
			}
		}
	})
}

// refuse has the transaction refused, in the end, for the members of which it is
// said.
func refuse(d *db.DB, tx *sql.Tx, i int, yes bool) {
	v, _ := d.Local(tx, "refused", func() any {
		all := &db.MembersError{}
		d.BeforeCommit(tx, func() error {
			if len(all.Members) == 0 {
				return nil
			}
			return all
		})
		return all
	}).(*db.MembersError)
	if yes {
		// One member may have several parts that are refused.
		v.Members, v.Err = append(v.Members, d.Member(tx), d.Member(tx)), &refusal{i}
	}
}

// oneBatch runs n writes that share a batch.
func oneBatch(t *testing.T, d *db.DB, n int, write func(ctx context.Context, i int)) {
	t.Helper()
	var all, queued sync.WaitGroup
	held := make(chan struct{})
	release := make(chan struct{})
	all.Go(func() {
		err := d.Group(t.Context(), func(*sql.Tx) error { close(held); <-release; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	for i := range n {
		queued.Add(1)
		ctx := &watched{Context: t.Context(), look: sync.OnceFunc(queued.Done)}
		all.Go(func() { defer ctx.look(); write(ctx, i) })
		queued.Wait() // in this order
	}
	close(release)
	all.Wait()
}

// watched is a context that tells when somebody begins to wait for its end, as
// Group does for a write that it has queued.
type watched struct {
	context.Context //nolint:containedctx // it is one

	look func()
}

func (w *watched) Done() <-chan struct{} {
	w.look()
	return w.Context.Done()
}
