package guildtest_test

import (
	"testing"
	"time"

	"guildhall/platform/guildtest"
)

func TestClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
	c := guildtest.NewClock(start)
	if first, second := c.Now(), c.Now(); !first.Equal(start) || !second.Equal(start) {
		t.Errorf("it does not stand still: %v, %v", first, second)
	}
	c.Advance(time.Hour)
	c.Advance(-time.Minute)
	if want := start.Add(59 * time.Minute); !c.Now().Equal(want) {
		t.Errorf("got %v, want %v", c.Now(), want)
	}
	c.Set(start)
	if !c.Now().Equal(start) {
		t.Errorf("got %v, want %v", c.Now(), start)
	}
}
