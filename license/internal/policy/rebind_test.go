package policy

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuotaOfMoves(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
	ago := func(hours ...int) (moves []time.Time) {
		for _, h := range hours {
			moves = append(moves, now.Add(-time.Duration(h)*time.Hour))
		}
		return moves
	}
	const year = 365 * 24
	for name, x := range map[string]struct {
		rule  Rebind
		moves []time.Time
		want  Quota
	}{
		"none yet":                  {Rebind{2, 24}, nil, Quota{PerYear: 2}},
		"never":                     {Rebind{0, 24}, ago(30), Quota{Used: 1}},
		"cooling down":              {Rebind{2, 24}, ago(23), Quota{Used: 1, PerYear: 2, Next: now.Add(time.Hour), Cooling: true}},
		"cool":                      {Rebind{2, 24}, ago(24), Quota{Used: 1, PerYear: 2}},
		"used up":                   {Rebind{2, 24}, ago(30, 100), Quota{Used: 2, PerYear: 2, Next: now.Add((year - 100) * time.Hour)}},
		"used up and cooling":       {Rebind{1, year + 24}, ago(1), Quota{Used: 1, PerYear: 1, Next: now.Add((year + 23) * time.Hour), Cooling: true}},
		"a year ago":                {Rebind{1, 0}, ago(year), Quota{PerYear: 1}},
		"the rule became stricter":  {Rebind{1, 0}, ago(10, 20, 30), Quota{Used: 3, PerYear: 1, Next: now.Add((year - 10) * time.Hour)}},
		"no time between two moves": {Rebind{3, 0}, ago(0, 0), Quota{Used: 2, PerYear: 3}},
	} {
		if got := x.rule.Quota(x.moves, now); got != x.want {
			t.Errorf("%s: %+v, want %+v", name, got, x.want)
		}
	}
}

// Whoever moves as soon as he may never has more moves in a year than he may, nor two
// without the pause.
func TestQuotaHoldsInEveryYear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule := Rebind{PerYear: rapid.IntRange(1, 4).Draw(t, "per year"), CooldownHours: rapid.IntRange(0, 9000).Draw(t, "cool-down")}
		now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
		var moves []time.Time
		for range 20 {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "hours")) * time.Hour)
			if next := rule.Quota(moves, now).Next; !next.IsZero() {
				now = next
				if q := rule.Quota(moves, now); !q.Next.IsZero() {
					t.Fatalf("at the time that it named it names %v", q.Next)
				}
			}
			moves = append([]time.Time{now}, moves...)
		}
		for i := range moves[:len(moves)-1] {
			if moves[i].Sub(moves[i+1]) < time.Duration(rule.CooldownHours)*time.Hour {
				t.Fatalf("%v and %v are too close", moves[i+1], moves[i])
			}
			if n := i + rule.PerYear; n < len(moves) && moves[i].Sub(moves[n]) < RebindSpan {
				t.Fatalf("%d moves from %v to %v", rule.PerYear+1, moves[n], moves[i])
			}
		}
	})
}
