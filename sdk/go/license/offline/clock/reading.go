package clock

import (
	"fmt"
	"time"
)

// Level is what a program does about the clock.
type Level int

// The levels: go on; go on and tell the operator; go on and tell everybody, for the
// end is near; do not run.
const (
	OK Level = iota
	Warned
	InGrace
	Refuse
)

func (l Level) String() string { return [...]string{"ok", "warned", "in grace", "refused"}[l] }

// Reading is what a check found.
type Reading struct {
	Level Level
	// Time is what to hold against the licence: the clock's, or the mark's if that is
	// later.
	Time time.Time
	// Behind is how far the clock is behind the mark; negative if it is not.
	Behind time.Duration
	// GraceLeft are the running hours until it is refused, should the clock stay as it
	// is. RunLeft are those under this licence; both count while the program runs.
	GraceLeft, RunLeft time.Duration
	// Code is "clock_back", "run_out" or "state_unwritable", empty when all is well.
	Code string
	// Text is for the operator, empty when all is well.
	Text string
}

func (g *Guard) reading(s state, now time.Time, unsaved time.Duration, err error) Reading {
	behind := s.mark().Sub(now)
	r := Reading{Time: now, Behind: behind, GraceLeft: max(0, g.o.Grace-s.Behind)}
	if behind > 0 {
		r.Time = s.mark()
	}
	if g.o.RunFor > 0 {
		r.RunLeft = max(0, g.o.RunFor-s.Run)
	}
	if err != nil {
		r.unwritable(unsaved > g.o.Tolerance, err)
	}
	if behind > g.o.Tolerance {
		r.clockBack(s, now, g.o)
	}
	if g.o.RunFor > 0 && s.Run > g.o.RunFor {
		r.set(Refuse, "run_out", fmt.Sprintf("The program has run the %.0f hours that the licence is for. Ask for a new licence.", g.o.RunFor.Hours()))
	}
	return r
}

func (r *Reading) unwritable(long bool, err error) {
	level := Warned
	if long {
		level = Refuse
	}
	r.set(level, "state_unwritable", fmt.Sprintf("What is known of the clock cannot be kept: %v. Let the program write there.", err))
}

func (r *Reading) clockBack(s state, now time.Time, o Options) {
	level, then := Warned, fmt.Sprintf("The program runs for %.0f more hours with a clock like this.", r.GraceLeft.Hours())
	switch {
	case s.Behind > o.Grace:
		level, then = Refuse, "The program runs again as soon as the clock is right."
	case s.Behind > o.Warn:
		level = InGrace
	}
	r.set(level, "clock_back", fmt.Sprintf("The clock of this machine says %s, but it is at least %s: it was set back. Set it right. If it is right, it was ahead before: a new licence mends that. %s",
		now.UTC().Format(minute), s.mark().Format(minute), then))
}

// set keeps the worst.
func (r *Reading) set(level Level, code, text string) {
	if level >= r.Level {
		r.Level, r.Code, r.Text = level, code, text
	}
}

const minute = "2006-01-02 15:04 UTC"
