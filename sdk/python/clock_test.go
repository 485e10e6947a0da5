package python_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"guildhall/sdk/go/license/offline/clock"
)

// life is one run of a program that watches the clock: times in microseconds since 1970.
type life struct {
	Files    [2]string `json:"files"`
	Secret   string    `json:"secret"`
	Product  string    `json:"product"`
	Issued   int64     `json:"issued"`
	RunHours int       `json:"run_hours"`
	Steps    []step    `json:"steps"`
	Stop     bool      `json:"stop"`
}

type step struct {
	Now      int64  `json:"now"`
	Boot     string `json:"boot"`
	Up       int64  `json:"up"`
	Server   int64  `json:"server"`
	Database int64  `json:"database"`
}

type reading struct {
	Level     int    `json:"level"`
	Time      int64  `json:"time"`
	Code      string `json:"code"`
	Text      string `json:"text"`
	GraceLeft int64  `json:"grace_left"`
	RunLeft   int64  `json:"run_left"`
}

// Programs in Go and Python share the files of the clock: in each life one goes on with
// what the other wrote, and they come to the same readings and the same bytes.
func TestClockIsTheSameInGo(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	draw := rand.New(rand.NewPCG(1, 2))
	now := time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
	l := life{Secret: "a constant of the program", Product: "meter & żuraw", Issued: now.UnixMicro(), RunHours: 1000}
	boot, booted, seen := 1, now, map[string]bool{}
	for n := range 8 {
		if n%3 == 2 {
			boot, booted = boot+1, now
		}
		l.Steps, l.Stop = nil, draw.IntN(2) == 0
		for range 40 {
			now = now.Add(time.Duration(draw.Int64N(int64(3*time.Hour/time.Microsecond))) * time.Microsecond)
			s := step{Now: now.UnixMicro(), Boot: strconv.Itoa(boot), Up: now.Sub(booted).Microseconds()}
			switch draw.IntN(6) {
			case 0, 1, 2:
				s.Now -= draw.Int64N(80 * int64(time.Hour/time.Microsecond))
			case 3:
				s.Database = s.Now - draw.Int64N(int64(time.Hour/time.Microsecond))
			}
			if n == 5 {
				s.Server = now.UnixMicro()
			}
			l.Steps = append(l.Steps, s)
		}
		one, two = two, one // Go goes on with Python's files
		inGo, inPython := l.inGo(t, one), l.inPython(t, two)
		if !slices.Equal(inGo, inPython) {
			t.Fatalf("life %d:\n%+v in Go,\n%+v in Python", n, inGo, inPython)
		}
		for _, r := range inGo {
			seen[r.Code+strconv.Itoa(r.Level)] = true
		}
		for _, name := range []string{"a", "b"} {
			if of, other := read(t, one, name), read(t, two, name); !bytes.Equal(of, other) {
				t.Fatalf("life %d:\n%s of Go,\n%s of Python", n, of, other)
			}
		}
	}
	for _, want := range []string{"0", "clock_back1", "clock_back2", "clock_back3"} {
		if !seen[want] {
			t.Errorf("the history has no reading %s", want)
		}
	}
}

func (l life) in(folder string) life {
	l.Files = [2]string{filepath.Join(folder, "a"), filepath.Join(folder, "b")}
	return l
}

func (l life) inGo(t *testing.T, folder string) []reading {
	t.Helper()
	var s step
	guard, err := clock.Open(clock.Options{Files: l.in(folder).Files, Secret: []byte(l.Secret), Product: l.Product, IssuedAt: time.UnixMicro(l.Issued),
		RunFor: time.Duration(l.RunHours) * time.Hour,
		Now:    func() time.Time { return time.UnixMicro(s.Now) },
		Boot:   func() (string, time.Duration) { return s.Boot, time.Duration(s.Up) * time.Microsecond }})
	if err != nil {
		t.Fatal(err)
	}
	var readings []reading
	for _, s = range l.Steps {
		r := guard.Check(clock.Evidence{Server: moment(s.Server), Database: moment(s.Database)})
		readings = append(readings, reading{int(r.Level), r.Time.UnixMicro(), r.Code, r.Text, r.GraceLeft.Microseconds(), r.RunLeft.Microseconds()})
	}
	if l.Stop {
		guard.Close()
	}
	return readings
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}

func (l life) inPython(t *testing.T, folder string) []reading {
	t.Helper()
	in, err := json.Marshal(l.in(folder))
	if err != nil {
		t.Fatal(err)
	}
	var wrong bytes.Buffer
	command := exec.CommandContext(t.Context(), python, "-B", "-m", "tests.clock_history")
	command.Stdin, command.Stderr = bytes.NewReader(in), &wrong
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &wrong)
	}
	var readings []reading
	if err := json.Unmarshal(out, &readings); err != nil {
		t.Fatal(err)
	}
	return readings
}

func read(t *testing.T, folder, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
