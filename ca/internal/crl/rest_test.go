package crl

import (
	"testing"
	"time"

	"guildhall/platform/jobs"
)

func TestRestAfterBuilding(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
	p := &Publisher{jobs: jobs.New(jobs.Options{Now: func() time.Time { return now }}), delay: time.Second, maxDelay: time.Minute}
	for took, want := range map[time.Duration]time.Duration{
		0: time.Second, 50 * time.Millisecond: time.Second, 51 * time.Millisecond: 1020 * time.Millisecond,
		3 * time.Second: time.Minute, time.Hour: time.Minute,
	} {
		p.built(took)
		if got := p.next().Sub(now); got != want {
			t.Errorf("after a list that took %v the next is built in %v, want %v", took, got, want)
		}
	}
}
