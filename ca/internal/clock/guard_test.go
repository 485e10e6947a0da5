package clock_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"guildhall/ca/internal/clock"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := start
	g := clock.New(func() time.Time { return now }, clock.DefaultTolerance, start)
	for _, c := range []struct {
		name  string
		shift time.Duration
		ok    bool
	}{
		{"same moment", 0, true},
		{"later", time.Hour, true},
		{"within the tolerance", -5 * time.Second, true},
		{"an hour back", -time.Hour, false},
	} {
		now = start.Add(c.shift)
		_, err := g.Now()
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && (!errors.Is(err, clock.ErrBehind) || !strings.Contains(err.Error(), "1h0m0s behind")) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	now = start
	g.Mark(start.Add(time.Minute))
	g.Mark(start) // an older mark changes nothing
	if _, err := g.Now(); !errors.Is(err, clock.ErrBehind) {
		t.Errorf("after a later mark: %v", err)
	}
}

func TestNewAuthorityHasNoMark(t *testing.T) {
	t.Parallel()
	g := clock.New(time.Now, 0, time.Time{})
	if _, err := g.Now(); err != nil {
		t.Fatal(err)
	}
}
