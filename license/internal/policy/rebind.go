package policy

import "time"

// RebindSpan is the year of Rebind.PerYear.
const RebindSpan = 365 * 24 * time.Hour

// Quota is how far a customer's moves of one card are used up.
type Quota struct {
	// Used is how often he moved it within RebindSpan, of PerYear.
	Used, PerYear int
	// Next is when he may again; zero: now, or never where PerYear is 0.
	Next time.Time
	// Cooling says that it is the time between two moves that he waits for.
	Cooling bool
}

// Quota counts a customer's own moves of a card, the last of which comes first.
func (r Rebind) Quota(moves []time.Time, now time.Time) Quota {
	q := Quota{PerYear: r.PerYear}
	for _, at := range moves {
		if at.After(now.Add(-RebindSpan)) {
			q.Used++
		}
	}
	if r.PerYear == 0 || len(moves) == 0 {
		return q
	}
	next := moves[0].Add(time.Duration(r.CooldownHours) * time.Hour)
	q.Cooling = true
	if q.Used >= r.PerYear {
		if free := moves[r.PerYear-1].Add(RebindSpan); free.After(next) {
			next, q.Cooling = free, false
		}
	}
	if !next.After(now) {
		return Quota{Used: q.Used, PerYear: q.PerYear}
	}
	q.Next = next
	return q
}
