package clock

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// world is a machine with two files and a clock that anybody sets.
type world struct {
	t      time.Time     // what time it really is
	wrong  time.Duration // what the clock says beyond it
	boots  int
	booted time.Time
	files  map[string][]byte
	full   string // the files that cannot be written
	o      Options
	guard  *Guard // nil while the program does not run
}

var issued = time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)

func newWorld(change ...func(*Options)) *world {
	w := &world{t: issued.Add(time.Hour), booted: issued, files: map[string][]byte{}}
	w.o = Options{Files: [2]string{"a", "b"}, Secret: make([]byte, 16), Product: "meter", IssuedAt: issued,
		Now:  func() time.Time { return w.t.Add(w.wrong) },
		Boot: func() (string, time.Duration) { return strconv.Itoa(w.boots), w.t.Sub(w.booted) }}
	for _, c := range change {
		c(&w.o)
	}
	return w
}

// check starts the program, if it does not run.
func (w *world) check(t interface{ Fatal(...any) }, e Evidence) Reading {
	if w.guard == nil {
		g, err := Open(w.o)
		if err != nil {
			t.Fatal(err)
		}
		g.read = func(path string) ([]byte, error) {
			if text, ok := w.files[path]; ok {
				return text, nil
			}
			return nil, fs.ErrNotExist
		}
		g.write = func(path string, text []byte) error {
			if strings.Contains(w.full, path) {
				return errors.New("disk full")
			}
			w.files[path] = text
			return nil
		}
		w.guard = g
	}
	return w.guard.Check(e)
}

// run checks for so long, each w.o.Every, and is the last reading.
func (w *world) run(t interface{ Fatal(...any) }, d time.Duration) Reading {
	r := w.check(t, Evidence{})
	for ; d > 0; d -= w.guard.o.Every {
		w.t = w.t.Add(min(d, w.guard.o.Every))
		r = w.check(t, Evidence{})
	}
	return r
}

func (w *world) kill() { w.guard = nil }

func (w *world) stop() {
	if w.guard != nil {
		w.guard.Close()
	}
	w.kill()
}

func (w *world) reboot(takes time.Duration) {
	w.t = w.t.Add(takes)
	w.boots, w.booted, w.guard = w.boots+1, w.t, nil
}

func hourly(o *Options) { o.Every = time.Hour }

func TestClockSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(hourly)
	w.run(t, 100*24*time.Hour)
	if r := w.check(t, Evidence{}); r.Level != OK || r.Text != "" || !r.Time.Equal(w.t) || r.GraceLeft != Grace {
		t.Fatalf("%+v", r)
	}
	w.wrong = -23 * time.Hour
	if r := w.check(t, Evidence{}); r.Level != OK || !r.Time.Equal(w.t) || r.Behind != 23*time.Hour {
		t.Errorf("within the tolerance: %+v", r)
	}
	w.wrong = -50 * 24 * time.Hour
	r := w.run(t, 10*time.Hour)
	if r.Level != Warned || r.Code != "clock_back" || !r.Time.Equal(w.t) || !strings.Contains(r.Text, "says 2031-04-23 16:06 UTC, but it is at least 2031-06-12 16:06 UTC: it was set back. Set it right. If it is right, it was ahead before: a new licence mends that. The program runs for 62 more hours") {
		t.Errorf("after ten hours: %+v", r)
	}
	if r := w.run(t, 15*time.Hour); r.Level != InGrace || r.GraceLeft != 47*time.Hour {
		t.Errorf("after 25 hours: %+v", r)
	}
	w.wrong = 0
	if r := w.run(t, time.Hour); r.Level != OK {
		t.Errorf("set right: %+v", r)
	}
	w.wrong = -25 * time.Hour
	if r := w.run(t, 46*time.Hour); r.Level != InGrace {
		t.Errorf("after 71 hours: %+v", r)
	}
	if r := w.run(t, 2*time.Hour); r.Level != Refuse || r.GraceLeft != 0 || !strings.Contains(r.Text, "again as soon as the clock is right") {
		t.Errorf("after 73 hours: %+v", r)
	}
	w.kill()
	if r := w.check(t, Evidence{}); r.Level != Refuse {
		t.Errorf("another start: %+v", r)
	}
	w.wrong = 0
	if r := w.check(t, Evidence{}); r.Level != OK || !r.Time.Equal(w.t) {
		t.Errorf("set right in the end: %+v", r)
	}
}

func TestTimeGoesOnWhileTheMachineRuns(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.check(t, Evidence{})
	w.kill()
	w.t, w.wrong = w.t.Add(48*time.Hour), -48*time.Hour
	if r := w.check(t, Evidence{}); r.Level != Warned || !r.Time.Equal(w.t) || r.GraceLeft != Grace-Every {
		t.Errorf("the clock was stopped while the program did not run: %+v", r)
	}
	w.kill()
	if r := w.check(t, Evidence{}); r.GraceLeft != Grace-2*Every {
		t.Errorf("a start costs as much as a check: %+v", r)
	}
}

// Each thing that tells the time moves the mark, and none takes it back.
func TestEvidence(t *testing.T) {
	t.Parallel()
	later, hour := issued.AddDate(0, 1, 0), time.Hour
	for name, e := range map[string]Evidence{
		"server": {Server: later}, "synchronisation": {Sync: later}, "database": {Database: later},
		"two nodes":   {Nodes: []time.Time{later.AddDate(5, 0, 0), later}},
		"three nodes": {Nodes: []time.Time{later.AddDate(9, 0, 0), issued.AddDate(-9, 0, 0), later}},
	} {
		w := newWorld()
		if r := w.check(t, e); r.Level != Warned || !r.Time.Equal(later) {
			t.Errorf("%s: %+v", name, r)
		}
		w.wrong = later.Sub(w.t) + hour
		if r := w.check(t, Evidence{Sync: issued, Database: issued, Nodes: []time.Time{issued, issued}}); r.Level != OK || r.Behind != 0 || !r.Time.Equal(later.Add(hour)) {
			t.Errorf("%s, the clock set right: %+v", name, r)
		}
	}
	w := newWorld()
	if r := w.check(t, Evidence{Nodes: []time.Time{later}}); r.Level != OK || !r.Time.Equal(w.t) {
		t.Errorf("one node alone: %+v", r)
	}
	w = newWorld(func(o *Options) { o.Built = later })
	if r := w.check(t, Evidence{}); r.Level != Warned || !r.Time.Equal(later) {
		t.Errorf("made later: %+v", r)
	}
}

// A clock that was set forward by mistake is healed by a server or a new licence.
func TestClockSetForward(t *testing.T) {
	t.Parallel()
	poisoned := func() *world {
		w := newWorld(hourly)
		w.wrong = 1000 * 24 * time.Hour
		w.check(t, Evidence{})
		w.wrong = 0
		if r := w.run(t, 80*time.Hour); r.Level != Refuse {
			t.Fatalf("%+v", r)
		}
		return w
	}
	w := poisoned()
	server := w.t
	if r := w.check(t, Evidence{Server: server}); r.Level != OK || !r.Time.Equal(server) || r.GraceLeft != Grace {
		t.Errorf("a server's time: %+v", r)
	}
	w.kill()
	if r := w.check(t, Evidence{}); r.Level != OK {
		t.Errorf("another start: %+v", r)
	}
	w.wrong = 1000 * 24 * time.Hour
	w.t = w.t.Add(time.Hour)
	if r := w.check(t, Evidence{Server: w.t}); !r.Time.Equal(w.t) {
		t.Errorf("a server's time with a wrong clock: %+v", r)
	}
	w.check(t, Evidence{})
	w.wrong = 0
	if r := w.check(t, Evidence{Server: server}); r.Level == OK {
		t.Errorf("an old time of a server again: %+v", r)
	}
	w = poisoned()
	w.kill()
	w.o.IssuedAt = w.t.Add(-time.Hour)
	if r := w.check(t, Evidence{}); r.Level != OK || !r.Time.Equal(w.t) {
		t.Errorf("a new licence: %+v", r)
	}
	w.kill()
	w.wrong = -30 * 24 * time.Hour
	w.check(t, Evidence{})
	w.kill()
	w.o.IssuedAt = issued
	if r := w.check(t, Evidence{}); r.Level != Warned {
		t.Errorf("the licence before: %+v", r)
	}
}

func TestRunHours(t *testing.T) {
	t.Parallel()
	w := newWorld(hourly, func(o *Options) { o.RunFor = 100 * time.Hour })
	if r := w.run(t, 60*time.Hour); r.RunLeft != 40*time.Hour {
		t.Errorf("%+v", r)
	}
	w.stop()
	w.t = w.t.Add(1000 * time.Hour)
	if r := w.run(t, 40*time.Hour); r.Level != OK || r.RunLeft != 0 {
		t.Errorf("%+v", r)
	}
	if r := w.run(t, time.Hour); r.Level != Refuse || r.Code != "run_out" || !strings.Contains(r.Text, "the 100 hours") {
		t.Errorf("%+v", r)
	}
}

// Two processes with the same files count an hour once.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(hourly, func(o *Options) { o.RunFor = 100 * time.Hour })
	w.check(t, Evidence{})
	first := w.guard
	w.kill()
	w.check(t, Evidence{})
	for range 10 {
		w.t = w.t.Add(time.Hour)
		first.Check(Evidence{})
		w.check(t, Evidence{})
	}
	if r := w.check(t, Evidence{}); r.RunLeft != 90*time.Hour {
		t.Errorf("%+v", r)
	}
}

func TestFilesOfTheState(t *testing.T) {
	t.Parallel()
	before := func() *world {
		w := newWorld(hourly)
		w.run(t, 30*24*time.Hour)
		w.kill()
		w.wrong = -20 * 24 * time.Hour
		w.run(t, 30*time.Hour)
		w.reboot(time.Minute)
		return w
	}
	want := before().check(t, Evidence{})
	for name, harm := range map[string]func(files map[string][]byte){
		"the first removed":  func(f map[string][]byte) { delete(f, "a") },
		"the second removed": func(f map[string][]byte) { delete(f, "b") },
		"the first emptied":  func(f map[string][]byte) { f["a"] = nil },
		"the second changed": func(f map[string][]byte) {
			f["b"] = []byte(strings.Replace(string(f["b"]), `"behind":`, `"behind":-`, 1))
		},
		"the first swapped":   func(f map[string][]byte) { f["a"] = []byte("{}\n\n") },
		"another key's state": func(f map[string][]byte) { s := state{Turn: 99}; f["a"] = s.text([]byte("key")) },
	} {
		w := before()
		harm(w.files)
		if got := w.check(t, Evidence{}); got != want {
			t.Errorf("%s: %+v, not %+v", name, got, want)
		}
		if string(w.files["a"]) != string(w.files["b"]) {
			t.Errorf("%s: it is not mended", name)
		}
	}
	w := before()
	clear(w.files)
	if r := w.check(t, Evidence{}); r.Level != OK || r.Time.Before(issued) {
		t.Errorf("both removed: %+v", r)
	}
}

// While a process lives, what it knows does not depend on the files.
func TestOldFilesAreNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(hourly)
	w.check(t, Evidence{})
	old := maps.Clone(w.files)
	w.run(t, 60*24*time.Hour)
	w.files, w.wrong = maps.Clone(old), -60*24*time.Hour
	if r := w.check(t, Evidence{}); r.Level != Warned || !r.Time.Equal(w.t) {
		t.Errorf("put back while it runs: %+v", r)
	}
	w.wrong = 0
	w.check(t, Evidence{Database: w.t.AddDate(1, 0, 0)})
	w.files = maps.Clone(old)
	if r := w.check(t, Evidence{}); r.Level != Warned || r.Behind < 300*24*time.Hour {
		t.Errorf("what is not in the files: %+v", r)
	}
	w.files, w.wrong = maps.Clone(old), -60*24*time.Hour
	w.kill()
	if r := w.check(t, Evidence{}); r.Level != Warned || !r.Time.Equal(w.t) {
		t.Errorf("put back while it does not, the machine still on: %+v", r)
	}
}

// What one file alone knows counts, whichever it is.
func TestFilesThatDiffer(t *testing.T) {
	t.Parallel()
	for _, old := range []string{"a", "b"} {
		w := newWorld(hourly)
		w.check(t, Evidence{Database: w.t.AddDate(5, 0, 0)})
		w.full = old
		w.run(t, 30*time.Hour)
		w.reboot(time.Minute)
		if r := w.check(t, Evidence{}); r.Level != InGrace || r.GraceLeft > 42*time.Hour {
			t.Errorf("%s is old: %+v", old, r)
		}
		w.check(t, Evidence{Server: w.t})
		w.kill()
		if r := w.check(t, Evidence{}); r.Level != OK {
			t.Errorf("%s is from before the server's time: %+v", old, r)
		}
	}
}

// After a crash and a start of the machine nobody knows how long the program ran on.
func TestCrashCostsOneCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(hourly)
	w.check(t, Evidence{})
	w.wrong -= 2 * time.Hour
	w.reboot(2 * time.Hour)
	if r := w.check(t, Evidence{}); r.Behind != time.Hour {
		t.Errorf("after a crash: %+v", r)
	}
	w.stop()
	w.wrong -= 2 * time.Hour
	w.reboot(2 * time.Hour)
	if r := w.check(t, Evidence{}); r.Behind != time.Hour {
		t.Errorf("stopped in order: %+v", r)
	}
	w.o.Boot = func() (string, time.Duration) { return "", w.t.Sub(w.booted) }
	w.kill()
	w.check(t, Evidence{})
	w.kill()
	if r := w.check(t, Evidence{}); r.Behind != time.Hour {
		t.Errorf("where starts have no ids: %+v", r)
	}
}

func TestStateThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(hourly)
	w.full = "ab"
	if r := w.check(t, Evidence{}); r.Level != Refuse || r.Code != "state_unwritable" || !strings.Contains(r.Text, "disk full") {
		t.Errorf("from the start: %+v", r)
	}
	w.full = ""
	if r := w.check(t, Evidence{}); r.Level != OK {
		t.Errorf("then it can: %+v", r)
	}
	w.full = "ab"
	if r := w.run(t, 24*time.Hour); r.Level != Warned || r.Code != "state_unwritable" {
		t.Errorf("a day: %+v", r)
	}
	if r := w.run(t, time.Hour); r.Level != Refuse {
		t.Errorf("longer: %+v", r)
	}
	w.full = ""
	if r := w.check(t, Evidence{}); r.Level != OK {
		t.Errorf("there is room again: %+v", r)
	}
}

// The files and the machine as they are.
func TestOnThisMachine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := Options{Files: [2]string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}, Secret: make([]byte, 16), Product: "meter", IssuedAt: time.Now().Add(-time.Hour)}
	for range 2 {
		g, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if r := g.Check(Evidence{Sync: SyncFile()}); r.Level != OK || r.Time.Before(o.IssuedAt) {
			t.Fatalf("%+v", r)
		}
		g.Close()
	}
	for _, path := range o.Files {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	boot := systemBoot(time.Now())
	id, up := boot()
	if again, later := boot(); again != id || later < up || up < 0 {
		t.Errorf("%s %s, then %s %s", id, up, again, later)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	o.Files[1] = filepath.Join(dir, "none", "b")
	o.Files[0] = filepath.Join(dir, "none", "a")
	g, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if r := g.Check(Evidence{}); r.Level != Refuse || !strings.Contains(r.Text, filepath.Join(dir, "none")) {
		t.Errorf("no folder: %+v", r)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*Options){
		"two different files":  func(o *Options) { o.Files[1] = "a" },
		"fewer than 16 bytes":  func(o *Options) { o.Secret = o.Secret[1:] },
		"licence was issued":   func(o *Options) { o.IssuedAt = time.Time{} },
		"two different files ": func(o *Options) { o.Files[0] = "" },
	} {
		if _, err := Open(newWorld(change).o); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(says)) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
