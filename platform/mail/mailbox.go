package mail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"guildhall/platform/fault"
)

// mailboxKeeps is how many of the newest letters a Mailbox keeps.
const mailboxKeeps = 200

// ErrNoLetter says that the mailbox has no letter with the name.
var ErrNoLetter = fault.New(fault.NotFound, "no_such_letter", "There is no such letter. The mailbox keeps the newest 200; \"guildhall mailbox list\" shows them.")

// fileName is how letters are called on the disk: the time, then the id's first
// half. Nothing else is read or removed.
var fileName = regexp.MustCompile(`^\d{8}T\d{6}\.\d{6}Z-[A-Za-z0-9.-]{1,80}\.eml$`)

// Mailbox is a Sender for development: it keeps the newest letters as files that
// only their owner reads. It is safe for concurrent use; one process uses a
// directory.
type Mailbox struct {
	// Dir is where the letters are; it is made when the first one comes.
	Dir string

	mutex sync.Mutex
}

// Kept is a letter in the mailbox.
type Kept struct {
	// Name names the letter in the mailbox.
	Name string `json:"name"`
	Letter
}

// Send keeps the letter. One that comes again takes its own place.
func (b *Mailbox) Send(_ context.Context, l Letter) error {
	m, err := compose(l)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return fmt.Errorf("make the mailbox: %w", err)
	}
	f, err := os.CreateTemp(b.Dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep a letter: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = m.WriteTo(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep a letter: %w", err)
	}
	if err := os.Rename(f.Name(), filepath.Join(b.Dir, nameOf(l))); err != nil {
		return fmt.Errorf("keep a letter: %w", err)
	}
	return b.prune()
}

func nameOf(l Letter) string {
	id, _, _ := strings.Cut(l.ID, "@")
	return l.At.UTC().Format("20060102T150405.000000Z") + "-" + id + ".eml"
}

// names are the letters' names, the newest first.
func (b *Mailbox) names() ([]string, error) {
	entries, err := os.ReadDir(b.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the mailbox: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && fileName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	slices.Reverse(names)
	return names, nil
}

// prune drops the oldest letters.
func (b *Mailbox) prune() error {
	names, err := b.names()
	if err != nil {
		return err
	}
	for _, name := range names[min(len(names), mailboxKeeps):] {
		err = errors.Join(err, os.Remove(filepath.Join(b.Dir, name)))
	}
	return err
}

// List returns the letters, the newest first.
func (b *Mailbox) List() ([]Kept, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	names, err := b.names()
	if err != nil {
		return nil, err
	}
	kept := make([]Kept, 0, len(names))
	for _, name := range names {
		k, err := b.read(name)
		if err != nil {
			return nil, err
		}
		kept = append(kept, k)
	}
	return kept, nil
}

// Newest stands for the newest letter in Get.
const Newest = "newest"

// Get returns the letter with the name, or ErrNoLetter.
func (b *Mailbox) Get(name string) (Kept, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if name == Newest {
		names, err := b.names()
		if err != nil {
			return Kept{}, err
		}
		if len(names) > 0 {
			name = strings.TrimSuffix(names[0], ".eml")
		}
	}
	if !fileName.MatchString(name + ".eml") {
		return Kept{}, ErrNoLetter
	}
	k, err := b.read(name + ".eml")
	if errors.Is(err, fs.ErrNotExist) {
		return Kept{}, ErrNoLetter
	}
	return k, err
}

func (b *Mailbox) read(file string) (Kept, error) {
	f, err := os.Open(filepath.Join(b.Dir, file))
	if err != nil {
		return Kept{}, fmt.Errorf("read the mailbox: %w", err)
	}
	defer func() { _ = f.Close() }()
	l, err := readLetter(f)
	if err != nil {
		return Kept{}, fmt.Errorf("%s: %w", file, err)
	}
	l.At = timeOf(file, l.At)
	return Kept{Name: strings.TrimSuffix(file, ".eml"), Letter: l}, nil
}

// timeOf is the letter's time to the microsecond; the Date header has seconds.
func timeOf(file string, otherwise time.Time) time.Time {
	stamp, _, _ := strings.Cut(file, "-")
	if at, err := time.Parse("20060102T150405.000000Z", stamp); err == nil {
		return at
	}
	return otherwise
}
