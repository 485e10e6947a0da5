package jobs

import (
	"fmt"
	"time"

	"guildhall/platform/fault"
)

// Schedule says when a periodic job is due. Make one with Interval, Daily or
// ParseDaily.
type Schedule struct {
	every        time.Duration
	hour, minute int
	zone         *time.Location
}

// Interval is due d after the last run ended.
func Interval(d time.Duration) Schedule {
	if d <= 0 {
		panic("jobs: an interval must be positive")
	}
	return Schedule{every: d}
}

// Daily is due each day at the hour and minute of the zone. A time that the
// change to summer time leaves out is due an hour later.
func Daily(hour, minute int, zone *time.Location) Schedule {
	return Schedule{hour: hour, minute: minute, zone: zone}
}

// ParseDaily reads a time of day such as "03:30".
func ParseDaily(s string, zone *time.Location) (Schedule, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return Schedule{}, fault.New(fault.Invalid, "time_of_day_invalid", "%q is no time of day. Write hours and minutes, such as 03:30.", s)
	}
	return Daily(t.Hour(), t.Minute(), zone), nil
}

// Next is the first tick after t.
func (s Schedule) Next(t time.Time) time.Time {
	if s.every > 0 {
		return t.Add(s.every)
	}
	local := t.In(s.zone)
	for day := local.Day(); ; day++ {
		tick := time.Date(local.Year(), local.Month(), day, s.hour, s.minute, 0, 0, s.zone)
		if tick.After(t) {
			return tick
		}
	}
}

// String describes the schedule: "every 1h0m0s", "daily at 03:30 UTC".
func (s Schedule) String() string {
	if s.every > 0 {
		return fmt.Sprintf("every %v", s.every)
	}
	return fmt.Sprintf("daily at %02d:%02d %v", s.hour, s.minute, s.zone)
}
