package backup

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	suffix = ".backup"
	stamp  = "20060102T150405.000Z"

	day = 24 * time.Hour
	// keepAll is how long every backup stays, keepOne how long one of each period.
	keepAll = 30 * day
	keepOne = 90 * day
	period  = 30 * day
)

// Policy says which backups stay: the newest Keep, every one of the last 30
// days, and of the last 90 days the first of each 30, which are counted from the
// beginning of 1970, so that it is the same ones whenever they are asked for.
type Policy struct {
	// Keep is how many of the newest stay whatever their age; at least 1.
	Keep int
}

// File is a backup in a folder, known by its name.
type File struct {
	Path    string
	Service string
	At      time.Time
}

// Expired are those of the files that the policy lets go at now, each service
// for itself. It only looks at the names and times it is given.
func (p Policy) Expired(files []File, now time.Time) []File {
	byService := map[string][]File{}
	for _, f := range files {
		byService[f.Service] = append(byService[f.Service], f)
	}
	var expired []File
	for _, list := range byService {
		expired = append(expired, p.expired(list, now)...)
	}
	slices.SortFunc(expired, byTime)
	return expired
}

func (p Policy) expired(files []File, now time.Time) (expired []File) {
	files = slices.Clone(files)
	slices.SortFunc(files, byTime)
	begun := map[int64]bool{}
	for i, f := range files {
		of := f.At.Unix() / int64(period/time.Second)
		first := !begun[of]
		begun[of] = true
		age := now.Sub(f.At)
		if len(files)-i <= max(p.Keep, 1) || age <= keepAll || first && age <= keepOne {
			continue
		}
		expired = append(expired, f)
	}
	return expired
}

func byTime(a, b File) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Path, b.Path)) }

// Prune removes from the folder the backups that the policy lets go, and
// leftovers of killed programs. Files with other names stay.
func Prune(dir string, p Policy, now time.Time) error {
	files, err := List(dir)
	if err != nil {
		return err
	}
	clearStale(dir)
	var errs []error
	for _, f := range p.Expired(files, now) {
		errs = append(errs, os.Remove(f.Path))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove old backups: %w", err)
	}
	return nil
}

// List returns the backups in the folder, the oldest first; a missing folder
// has none.
func List(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var files []File
	for _, e := range entries {
		if f, ok := parseName(e.Name()); ok && e.Type().IsRegular() {
			f.Path = filepath.Join(dir, e.Name())
			files = append(files, f)
		}
	}
	slices.SortFunc(files, byTime)
	return files, nil
}

// Newest is the path of the newest backup in the folder; empty if there is none.
func Newest(dir string) (string, error) {
	files, err := List(dir)
	if err != nil || len(files) == 0 {
		return "", err
	}
	return files[len(files)-1].Path, nil
}

// NewestEach is the newest backup of each service in the folder and in the folders in it,
// by service; of those made before then, unless it is zero.
func NewestEach(dir string, before time.Time) (newest []File, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	all, err := List(dir)
	for _, e := range entries {
		if e.IsDir() && err == nil {
			var more []File
			more, err = List(filepath.Join(dir, e.Name()))
			all = append(all, more...)
		}
	}
	by := map[string]File{}
	for _, f := range all {
		if (before.IsZero() || f.At.Before(before)) && !f.At.Before(by[f.Service].At) {
			by[f.Service] = f
		}
	}
	for _, service := range slices.Sorted(maps.Keys(by)) {
		newest = append(newest, by[service])
	}
	return newest, err
}

func parseName(name string) (File, bool) {
	text, ok := strings.CutSuffix(name, suffix)
	i := strings.LastIndexByte(text, '-')
	if !ok || i < 1 {
		return File{}, false
	}
	at, err := time.Parse(stamp, text[i+1:])
	return File{Service: text[:i], At: at}, err == nil
}
