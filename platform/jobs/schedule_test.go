package jobs_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/platform/fault"
	"guildhall/platform/jobs"
)

func TestDailyAcrossSummerTime(t *testing.T) {
	t.Parallel()
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	s := jobs.Daily(2, 30, warsaw)
	for _, c := range []struct{ after, want string }{
		{"2031-03-29T01:00:00Z", "2031-03-29T01:30:00Z"},
		{"2031-03-29T01:30:00Z", "2031-03-30T01:30:00Z"}, // 02:30 is left out: 03:30 summer time
		{"2031-03-30T01:30:00Z", "2031-03-31T00:30:00Z"},
		{"2031-10-25T00:30:00Z", "2031-10-26T01:30:00Z"}, // 02:30 comes twice: run once
		{"2031-10-26T01:30:00Z", "2031-10-27T01:30:00Z"},
		{"2031-12-31T23:00:00Z", "2032-01-01T01:30:00Z"},
	} {
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Next(after).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("after %s: %s, want %s", c.after, got, c.want)
		}
	}
}

func TestNextIsTheFirstTickAfter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := jobs.Daily(rapid.IntRange(0, 23).Draw(rt, "hour"), rapid.IntRange(0, 59).Draw(rt, "minute"), time.UTC)
		at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(rt, "at"), 0)
		next := s.Next(at)
		if wait := next.Sub(at); wait <= 0 || wait > 24*time.Hour {
			rt.Errorf("%v after %v is %v", s, at, next)
		}
	})
}

func TestParseDaily(t *testing.T) {
	t.Parallel()
	s, err := jobs.ParseDaily("03:05", time.UTC)
	if err != nil || s.String() != "daily at 03:05 UTC" {
		t.Errorf("got %v, %v", s, err)
	}
	for _, bad := range []string{"", "3", "24:00", "03:60", "3 am"} {
		if _, err := jobs.ParseDaily(bad, time.UTC); fault.As(err).Code != "time_of_day_invalid" {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}
