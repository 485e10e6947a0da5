package backup_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"guildhall/platform/backup"
)

func on(dates ...string) (files []backup.File) {
	for _, d := range dates {
		at, err := time.Parse(time.DateOnly, d)
		if err != nil {
			panic(err)
		}
		files = append(files, backup.File{Service: "bank", Path: d, At: at})
	}
	return files
}

func TestExpired(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		keep        int
		files, want []backup.File
	}{
		"none":                         {3, nil, nil},
		"the newest stay, however old": {2, on("2030-01-01", "2030-01-02", "2030-01-03"), on("2030-01-01")},
		"one stays at least":           {0, on("2030-01-01", "2030-01-02"), on("2030-01-01")},
		"thirty days stay":             {1, on("2031-04-01", "2031-04-02", "2031-04-30"), nil},
		"and no more, but for the first of thirty": {1, on("2031-03-11", "2031-03-12", "2031-03-13", "2031-03-30", "2031-04-30"), on("2031-03-13", "2031-03-30")},
		"the first of thirty for ninety days":      {1, on("2031-01-30", "2031-01-31", "2031-02-10", "2031-02-11", "2031-04-30"), on("2031-01-30", "2031-01-31", "2031-02-11")},
		"the future stays":                         {1, on("2031-06-01", "2032-06-01"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, backup.Policy{Keep: c.keep}.Expired(c.files, now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestServicesExpireApart(t *testing.T) {
	t.Parallel()
	files := on("2030-01-01", "2030-01-02")
	files[1].Service = "shop"
	if got := (backup.Policy{Keep: 1}).Expired(files, at); len(got) != 0 {
		t.Errorf("the only backup of a service expires: %v", got)
	}
}

// TestDailyBackups: with a backup each day, pruned each day, those of thirty days are
// there, and behind them one in thirty days until the ninetieth.
func TestDailyBackups(t *testing.T) {
	t.Parallel()
	var files []backup.File
	begin := time.Date(2031, 1, 1, 2, 30, 0, 0, time.UTC)
	for d := range 400 {
		now := begin.AddDate(0, 0, d)
		files = append(files, backup.File{Service: "bank", Path: fmt.Sprint(d), At: now})
		expired := backup.Policy{Keep: 7}.Expired(files, now)
		files = slices.DeleteFunc(files, func(f backup.File) bool { return slices.Contains(expired, f) })
		last, recent := 0, 0
		for _, f := range slices.Backward(files) {
			age := int(now.Sub(f.At) / (24 * time.Hour))
			if age-last > 30 {
				t.Fatalf("day %d: there is no backup between %d and %d days of age", d, last, age)
			}
			if last = age; age <= 30 {
				recent++
			}
		}
		if recent != min(d, 30)+1 || last > 90 || d >= 90 && last < 60 {
			t.Fatalf("day %d: %d of the last 30 days are there, and the oldest is %d days old", d, recent, last)
		}
	}
}

// TestExpiredProperty: whatever there is, the newest stay, nothing of the last 30
// days goes, each thirty days of the last 90 days keep one if they had one in them, and
// what stayed stays when asked again. Pruning daily loses no more than pruning
// once.
func TestExpiredProperty(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 17, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		p := backup.Policy{Keep: rapid.IntRange(1, 5).Draw(rt, "keep")}
		var files []backup.File
		for i, hours := range rapid.SliceOfN(rapid.IntRange(0, 24*200), 0, 40).Draw(rt, "ages in hours") {
			files = append(files, backup.File{Service: "bank", Path: fmt.Sprint(i), At: now.Add(-time.Duration(hours) * time.Hour)})
		}
		expired := p.Expired(files, now)
		left := slices.DeleteFunc(slices.Clone(files), func(f backup.File) bool { return slices.Contains(expired, f) })
		if len(left) < min(p.Keep, len(files)) {
			rt.Errorf("%d of %d are left", len(left), len(files))
		}
		for _, f := range expired {
			if now.Sub(f.At) <= 30*24*time.Hour {
				rt.Errorf("%v goes after %v", f, now.Sub(f.At))
			}
			newer := 0
			for _, g := range left {
				if !g.At.Before(f.At) { // two of one moment are as new as each other
					newer++
				}
			}
			if newer < min(p.Keep, len(files)-1) {
				rt.Errorf("%v goes and only %d newer ones stay", f, newer)
			}
		}
		if again := p.Expired(left, now); len(again) != 0 {
			rt.Errorf("asked again, %v go", again)
		}
		checkPeriods(rt, files, left, now)
	})
}

// checkPeriods: thirty days whose first backup is within 90 days keep it.
func checkPeriods(rt *rapid.T, files, left []backup.File, now time.Time) {
	first := map[int64]backup.File{}
	for _, f := range files {
		period := f.At.Unix() / (30 * 24 * 60 * 60)
		if g, ok := first[period]; !ok || f.At.Before(g.At) {
			first[period] = f
		}
	}
	for period, f := range first {
		kept := slices.ContainsFunc(left, func(g backup.File) bool { return g.At.Equal(f.At) })
		if now.Sub(f.At) <= 90*24*time.Hour && !kept {
			rt.Errorf("the %dth thirty days lose their first backup %v", period, f)
		}
	}
}

func TestPruneRemovesOnlyBackups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"bank-20300101T000000.000Z.backup", "bank-20300102T000000.000Z.backup", "shop-20300101T000000.000Z.backup",
		"notes.txt", "bank-20300101.backup", "bank-20300101T000000.000Z.backup.txt",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if newest, err := backup.Newest(dir); err != nil || filepath.Base(newest) != "bank-20300102T000000.000Z.backup" {
		t.Errorf("newest is %s, %v", newest, err)
	}
	if err := backup.Prune(dir, backup.Policy{Keep: 1}, at); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 5 {
		t.Errorf("left are %v", entries)
	}
	if _, err := os.Stat(filepath.Join(dir, "bank-20300101T000000.000Z.backup")); err == nil {
		t.Error("the old one is still there")
	}
	if newest, err := backup.Newest(filepath.Join(dir, "missing")); err != nil || newest != "" {
		t.Errorf("a missing folder: %q, %v", newest, err)
	}
}
