package clock

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func hours(t *rapid.T, name string, from, to int) time.Duration {
	return time.Duration(rapid.IntRange(from*60, to*60).Draw(t, name)) * time.Minute
}

// A clock that is never more than twelve hours wrong is never refused, warned of or
// read more than a day too late, whatever else happens to machine, program and files.
func TestHonestClockIsNeverRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(func(o *Options) { o.RunFor = 0 })
		about := func(name string) time.Time { return w.t.Add(hours(t, name, -12, 12)) }
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 8).Draw(t, "step") {
			case 0:
				w.wrong = hours(t, "wrong", -12, 12)
			case 1:
				w.kill()
			case 2:
				w.stop()
			case 3:
				w.reboot(max(Every, hours(t, "off", 0, 2000)))
			case 4:
				delete(w.files, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "file"))
			case 5:
				clear(w.files)
			case 6:
				w.kill()
				w.o.IssuedAt = about("issued")
			default:
				w.t = w.t.Add(hours(t, "pass", 0, 500))
			}
			var e Evidence
			for i, at := range []*time.Time{&e.Server, &e.Sync, &e.Database} {
				if rapid.Bool().Draw(t, "shown") {
					*at = about(fmt.Sprint("evidence ", i))
				}
			}
			for range rapid.IntRange(0, 3).Draw(t, "nodes") {
				e.Nodes = append(e.Nodes, about("node"))
			}
			r := w.check(t, e)
			if r.Level != OK || r.GraceLeft != Grace || r.Time.Sub(w.t).Abs() > 24*time.Hour {
				t.Fatalf("at %s, clock %s: %+v", w.t, w.wrong, r)
			}
		}
	})
}

// thief does to clock, machine, program and one of the files whatever helps him.
type thief struct {
	*world
	ends   time.Time     // of the licence
	ran    time.Duration // accepted running time in all
	behind time.Duration // of it with a clock further behind than the tolerance
}

// use runs the program while it is accepted.
func (w *thief) use(t *rapid.T, d time.Duration) {
	for d > 0 {
		r := w.check(t, Evidence{})
		if r.Level == Refuse || !r.Time.Before(w.ends) {
			return
		}
		step := min(d, w.guard.o.Every)
		w.t = w.t.Add(step)
		d -= step
		w.ran += step
		if r.Behind > Tolerance {
			w.behind += step
		}
	}
}

func (w *thief) step(t *rapid.T) {
	switch rapid.IntRange(0, 7).Draw(t, "step") {
	case 0, 1: // somewhere between long before the licence and a little after the mark
		at := issued.Add(hours(t, "clock", -500, 1000))
		w.wrong = at.Sub(w.t)
	case 2:
		w.kill()
	case 3:
		w.stop()
	case 4:
		w.reboot(hours(t, "off", 0, 1000))
	case 5: // the other is there: both are another test
		if file := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "file"); len(w.files) == 2 {
			delete(w.files, file)
		}
	default:
		w.use(t, hours(t, "use", 0, 100))
	}
}

func newThief(t *rapid.T) *thief {
	w := &thief{world: newWorld(hourly), ends: issued.Add(hours(t, "licence", 1, 500))}
	w.wrong = issued.Sub(w.t)
	return w
}

// Whoever sets the clock back runs the program no longer in all than the licence is; and
// with a clock that is behind by more than the tolerance, no longer than the grace.
func TestSettingTheClockBackWinsLittle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newThief(t)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			w.step(t)
		}
		if longest := w.ends.Sub(issued) + w.o.Every; w.ran > longest {
			t.Fatalf("ran %s of %s", w.ran, longest)
		}
		if longest := Grace + w.o.Every; w.behind > longest {
			t.Fatalf("ran %s with a clock that was behind", w.behind)
		}
	})
}

// Whoever removes both files begins at what licence and program know, and no earlier.
func TestRemovingBothFilesIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newThief(t)
		w.o.Built = issued.Add(hours(t, "built", 0, 100))
		lives := int64(1)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "remove") == 0 {
				clear(w.files)
				w.kill()
				lives++
			}
			w.step(t)
		}
		life := max(0, w.ends.Sub(w.o.Built)) + w.o.Every
		if w.ran.Nanoseconds() > lives*life.Nanoseconds() {
			t.Fatalf("ran %s in %d lives of %s", w.ran, lives, life)
		}
	})
}

// One file or both: the same readings.
func TestOneFileSuffices(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		both, one := newWorld(hourly), newWorld(hourly)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			wrong, use, step := hours(t, "wrong", -500, 500), hours(t, "use", 0, 30), rapid.IntRange(0, 3).Draw(t, "step")
			lost := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "lost")
			delete(one.files, lost)
			var r [2]Reading
			for i, w := range []*world{both, one} {
				switch step {
				case 0:
					w.wrong = wrong
				case 1:
					w.kill()
				case 2:
					w.reboot(use)
				}
				r[i] = w.run(t, use)
			}
			if r[0] != r[1] {
				t.Fatalf("%+v, and with one file %+v", r[0], r[1])
			}
		}
	})
}

// A file that anybody may have written is believed only as it was written.
func FuzzState(f *testing.F) {
	key := make([]byte, 32)
	s := state{Turn: 1, Mark: issued.UnixMicro(), Boot: "x", Running: true}
	text := string(s.text(key))
	f.Add(text)
	f.Add(text[:len(text)-1])
	f.Add("{}\n\n")
	f.Fuzz(func(t *testing.T, changed string) {
		got, err := parse([]byte(changed), key)
		if (err == nil) != (changed == text) || err == nil && got != s {
			t.Fatalf("%q: %+v, %v", changed, got, err)
		}
	})
}
