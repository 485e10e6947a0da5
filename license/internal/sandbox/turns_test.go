package sandbox

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A caller who asks for all turns leaves one, and a turn that becomes free goes to who has
// fewest.
func TestABusyCallerLeavesOthersTheirTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns, got := newTurns(3), make(chan string, 100)
		ends := map[string][]func(){}
		take := func(caller string) {
			go func() {
				end, err := turns.take(t.Context(), caller, time.Hour)
				if err != nil {
					t.Errorf("%s: %v", caller, err)
					return
				}
				ends[caller] = append(ends[caller], end) // one at a time: the test waits in between
				got <- caller
			}()
			synctest.Wait()
		}
		said := func() (all []string) {
			for len(got) > 0 {
				all = append(all, <-got)
			}
			return all
		}
		end := func(caller string) {
			first := ends[caller][0]
			ends[caller] = ends[caller][1:]
			first()
			synctest.Wait()
		}
		for range 5 {
			take("busy")
		}
		if all := said(); !slices.Equal(all, []string{"busy", "busy"}) {
			t.Errorf("the busy one has %v", all)
		}
		take("other")
		take("third")
		if all := said(); !slices.Equal(all, []string{"other"}) {
			t.Errorf("beside it began %v", all)
		}
		end("busy")
		if all := said(); !slices.Equal(all, []string{"third"}) { // though three of the busy one's came before it
			t.Errorf("after it began %v", all)
		}
		for _, caller := range []string{"other", "third", "busy", "busy", "busy", "busy"} {
			end(caller)
		}
		if all := said(); len(all) != 3 || turns.free != 3 || len(turns.taken) != 0 || len(turns.queue) != 0 {
			t.Errorf("at the end: %v, %+v", all, turns)
		}
	})
}

func TestWaitingForATurnHasItsBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		end, err := turns.take(t.Context(), "first", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 2*waiting)
		for range waiting {
			go func() {
				_, err := turns.take(t.Context(), "busy", 5*time.Second)
				errs <- err
			}()
		}
		synctest.Wait()
		if _, err := turns.take(t.Context(), "busy", time.Hour); !errors.Is(err, errQueue) {
			t.Errorf("one too many: %v", err)
		}
		if _, err := turns.take(t.Context(), "other", time.Hour); !errors.Is(err, errQueue) {
			t.Errorf("beyond what may wait of all: %v", err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for range waiting {
			if err := <-errs; !errors.Is(err, errQueue) {
				t.Errorf("one that waited for too long: %v", err)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := turns.take(gone, "other", time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("one that went away: %v", err)
		}
		end()
		if turns.free != 1 || len(turns.queue) != 0 || len(turns.taken) != 0 {
			t.Errorf("left: %+v", turns)
		}
	})
}
