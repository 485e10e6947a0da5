package grant_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/grant"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// races is how many times two clients race for the successor of a token, on each
// engine.
const races = 10_000

// Two clients refresh at once, on two nodes: with the good token, with one that
// was replaced a moment ago, with one that was replaced before the grace window.
// There are never two live successors, and outside the window there is none.
func TestTwoClientsRaceForASuccessor(t *testing.T) {
	t.Parallel()
	for engine, address := range map[db.Engine]func(testing.TB) string{db.SQLite: guildtest.SQLite, db.Postgres: guildtest.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := address(t)
			a := newWorld(t, guildtest.Open(t, url, os.DirFS("../../migrations"))).fresh(t)
			a.race(t, a.another(t, url))
		})
	}
}

// family is what a test knows of a family: its tokens and when each was replaced,
// the good one at the end.
type family struct {
	tokens   []string
	replaced []time.Time
	dead     bool
}

func (w *world) race(t *testing.T, other *world) {
	const families = 100
	random := rand.New(rand.NewPCG(1, 2))
	s := w.session(t)
	all := make([]*family, families)
	reuses := 0
	for range races / families {
		w.clock.Advance([]time.Duration{0, time.Second, 20 * time.Second, grant.DefaultGrace}[random.IntN(4)])
		var round sync.WaitGroup
		for i, f := range all {
			if f == nil || f.dead {
				f = &family{}
				all[i] = f
			}
			// Mostly the good token; else one of those before it.
			back := [2]int{}
			for k := range back {
				if random.IntN(4) == 0 {
					back[k] = random.IntN(4)
				}
			}
			round.Go(func() {
				if f.tokens == nil {
					_, token, err := w.Issue(t.Context(), w.offline(s), life, by)
					if err != nil {
						t.Error(err)
						return
					}
					f.tokens = []string{token}
				}
				f.step(t, [2]*world{w, other}, back)
			})
		}
		round.Wait()
		if t.Failed() {
			return
		}
		for _, f := range all {
			if f.dead {
				reuses++
			}
		}
	}
	if reuses < races/100 || reuses > races/2 {
		t.Errorf("%d of %d races were reuse: the test looks at too little else", reuses, races)
	}
}

// step is one race, and what must be true after it.
func (f *family) step(t *testing.T, nodes [2]*world, back [2]int) {
	now := nodes[0].clock.Now()
	good := f.tokens[len(f.tokens)-1]
	var presented, got [2]string
	var errs [2]error
	reuse, replaces := false, false
	for k := range back {
		at := max(0, len(f.tokens)-1-back[k])
		presented[k] = f.tokens[at]
		reuse = reuse || at < len(f.replaced) && now.Sub(f.replaced[at]) >= grant.DefaultGrace
		replaces = replaces || presented[k] == good
	}
	var both sync.WaitGroup
	for k, n := range nodes {
		both.Go(func() { _, got[k], errs[k] = n.Refresh(t.Context(), presented[k], anyGrant, life, by) })
	}
	both.Wait()
	next := ""
	for k := range got {
		switch {
		case errors.Is(errs[k], grant.ErrRefresh) && reuse:
		case errs[k] != nil:
			t.Errorf("refused: %v", errs[k])
		case got[k] == good && presented[k] != good: // handed out again before it was replaced
		case next != "" && got[k] != next:
			t.Errorf("two successors: %q and %q", next, got[k])
		default:
			next = got[k]
		}
	}
	if next != "" && next != good {
		f.tokens, f.replaced = append(f.tokens, next), append(f.replaced, now)
	} else if replaces && !reuse {
		t.Error("the good token got no successor")
	}
	f.dead = reuse
	f.check(t, nodes[1])
}

// check holds that the last token alone lives, or none.
func (f *family) check(t *testing.T, w *world) {
	last := len(f.tokens) - 1
	for i := last; i >= max(0, last-1); i-- {
		if got, want := w.lives(t, f.tokens[i]), i == last && !f.dead; got != want {
			t.Errorf("token %d of %d lives: %v, want %v (the family is dead: %v)", i, last+1, got, want, f.dead)
		}
	}
}

// A window of nothing: whoever is second is a thief, and both lose.
func TestRaceWithoutGrace(t *testing.T) {
	each(t, map[string]func(*testing.T, *world){"": func(t *testing.T, w *world) {
		w.Desk = w.strict()
		s := w.session(t)
		for range 50 {
			g, token, err := w.Issue(t.Context(), w.offline(s), life, by)
			must(t, err)
			var got [8]string
			var all sync.WaitGroup
			for i := range got {
				all.Go(func() {
					var err error
					if _, got[i], err = w.Refresh(t.Context(), token, anyGrant, life, by); err != nil && !errors.Is(err, grant.ErrRefresh) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			won := slices.DeleteFunc(got[:], func(next string) bool { return next == "" })
			if len(won) != 1 || w.lives(t, won[0]) {
				t.Fatalf("%d got a successor, one lives: %v", len(won), w.lives(t, won[0]))
			}
			if _, err := w.Live(t.Context(), g.ID); !errors.Is(err, grant.ErrOver) {
				t.Errorf("the grant lives on: %v", err)
			}
		}
	}})
}

// Many redeem one code at once, on two nodes: one gets the tokens, and they die
// with the grant since the code was used twice.
func TestManyRedeemACode(t *testing.T) {
	t.Parallel()
	for engine, address := range map[db.Engine]func(testing.TB) string{db.SQLite: guildtest.SQLite, db.Postgres: guildtest.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := address(t)
			a := newWorld(t, guildtest.Open(t, url, os.DirFS("../../migrations"))).fresh(t)
			b := a.another(t, url)
			s := a.session(t)
			for range 50 {
				code, g, err := a.IssueCode(t.Context(), a.grant(s), grant.Code{}, by)
				must(t, err)
				var got [8]string
				var all sync.WaitGroup
				for i := range got {
					all.Go(func() {
						var err error
						_, got[i], err = []*world{a, b}[i%2].RedeemCode(t.Context(), code, anyCode, life, by)
						if err != nil && !errors.Is(err, grant.ErrCode) {
							t.Error(err)
						}
					})
				}
				all.Wait()
				won := slices.DeleteFunc(got[:], func(refresh string) bool { return refresh == "" })
				if len(won) != 1 || a.lives(t, won[0]) {
					t.Fatalf("%d redeemed it; tokens live: %v", len(won), len(won) > 0 && a.lives(t, won[0]))
				}
				if revoked, err := b.Revoked(t.Context(), "jti", g.ID, a.app, a.clock.Now()); err != nil || !revoked {
					t.Errorf("revoked: %v, %v", revoked, err)
				}
			}
		})
	}
}

// One of many who present the same is the first.
func TestOnce(t *testing.T) {
	t.Parallel()
	for engine, address := range map[db.Engine]func(testing.TB) string{db.SQLite: guildtest.SQLite, db.Postgres: guildtest.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := address(t)
			a := newWorld(t, guildtest.Open(t, url, os.DirFS("../../migrations")))
			b := a.another(t, url)
			present := func(key string) (n int) {
				var first [16]bool
				var all sync.WaitGroup
				for i := range first {
					all.Go(func() {
						var err error
						if first[i], err = []*world{a, b}[i%2].Once(t.Context(), key, a.clock.Now().Add(time.Minute)); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				for _, yes := range first {
					if yes {
						n++
					}
				}
				return n
			}
			for _, want := range []int{1, 0} {
				if n := present("jti-1"); n != want {
					t.Errorf("%d were the first, want %d", n, want)
				}
			}
			if n := present("jti-2"); n != 1 {
				t.Errorf("another key: %d", n)
			}
			a.clock.Advance(time.Minute)
			if n := present("jti-1"); n != 1 {
				t.Errorf("after its time: %d", n)
			}
		})
	}
}
