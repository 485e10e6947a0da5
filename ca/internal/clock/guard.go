// Package clock refuses to sign while the clock is behind what was signed
// before: a certificate or list from the past would undo newer ones.
package clock

import (
	"sync/atomic"
	"time"

	"guildhall/platform/fault"
)

// ErrBehind says that the clock was set back.
var ErrBehind = fault.New(fault.Unavailable, "clock_behind", "The clock is behind.")

// DefaultTolerance is how far the clocks of several nodes may differ.
const DefaultTolerance = 5 * time.Second

// Guard knows the latest moment at which this authority signed. It is safe for
// concurrent use.
type Guard struct {
	now       func() time.Time
	tolerance time.Duration
	high      atomic.Int64 // microseconds
}

// New makes a guard that reads the time from now. high is the latest moment
// known from the database, or zero.
func New(now func() time.Time, tolerance time.Duration, high time.Time) *Guard {
	g := &Guard{now: now, tolerance: tolerance}
	if !high.IsZero() {
		g.Mark(high)
	}
	return g
}

// Time is what the clock says, for everything but signing.
func (g *Guard) Time() time.Time { return g.now().UTC().Truncate(time.Microsecond) }

// Now is the time to sign with, or ErrBehind.
func (g *Guard) Now() (time.Time, error) {
	now := g.Time()
	return now, g.Check(now)
}

// Check returns ErrBehind when now is earlier than the mark by more than the
// tolerance.
func (g *Guard) Check(now time.Time) error {
	return g.Compare(now, time.UnixMicro(g.high.Load()))
}

// Compare is Check against a mark that the database told.
func (g *Guard) Compare(now, high time.Time) error {
	if behind := high.Sub(now); behind > g.tolerance {
		return fault.New(ErrBehind.Kind, ErrBehind.Code,
			"The clock says %s, but something was signed at %s: it is %s behind. Nothing was signed. Set the clock of this machine right (timedatectl set-ntp true), or wait.",
			now.UTC().Format(time.RFC3339), high.UTC().Format(time.RFC3339), behind.Round(time.Second)).
			With(map[string]any{"Behind": behind.Round(time.Second).String()})
	}
	return nil
}

// Mark records that something was signed at t.
func (g *Guard) Mark(t time.Time) {
	us := t.UnixMicro()
	for {
		old := g.high.Load()
		if us <= old || g.high.CompareAndSwap(old, us) {
			return
		}
	}
}
