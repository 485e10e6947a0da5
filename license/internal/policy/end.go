package policy

import "time"

// End is when a card ends that is first used at the time, zero for never. The card's
// own days, when it has some, stand before the policy's; fixed is its fixed end or
// zero. An extended card has an end of its own: this is the first one.
func (t Time) End(first time.Time, days int, fixed time.Time) time.Time {
	if days <= 0 {
		days = t.Days
	}
	counted := first.Add(day(max(days, 0)))
	switch {
	case t.Mode == Until:
		return fixed
	case fixed.IsZero():
		return counted
	case t.Mode == Subscription || fixed.Before(counted):
		return fixed
	}
	return counted
}
