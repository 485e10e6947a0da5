package mail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func numbered(n int) Letter {
	l := letter()
	l.ID, l.Subject, l.At = fmt.Sprintf("ltr.%d@example.com", n), fmt.Sprintf("Letter %d", n), l.At.Add(time.Duration(n)*time.Microsecond)
	return l
}

func keep(t *testing.T, b *Mailbox, l Letter) {
	t.Helper()
	if err := b.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func TestMailboxKeepsTheNewest(t *testing.T) {
	t.Parallel()
	b := &Mailbox{Dir: filepath.Join(t.TempDir(), "data", "mailbox")}
	if list, err := b.List(); err != nil || len(list) != 0 {
		t.Fatalf("before the first letter: %v, %v", list, err)
	}
	if _, err := b.Get(Newest); !errors.Is(err, ErrNoLetter) {
		t.Errorf("the newest of none: %v", err)
	}
	for n := range mailboxKeeps + 3 {
		keep(t, b, numbered(n))
	}
	list, err := b.List()
	if err != nil || len(list) != mailboxKeeps {
		t.Fatalf("%d letters, %v", len(list), err)
	}
	for i, k := range list {
		if want := numbered(mailboxKeeps + 2 - i); k.Letter != want {
			t.Fatalf("letter %d is %+v, want %+v", i, k.Letter, want)
		}
	}
	if k, err := b.Get(Newest); err != nil || k != list[0] {
		t.Errorf("the newest is %+v, %v", k, err)
	}
	if k, err := b.Get(list[7].Name); err != nil || k != list[7] {
		t.Errorf("by name: %+v, %v", k, err)
	}
}

func TestMailboxIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	b := &Mailbox{Dir: filepath.Join(t.TempDir(), "mailbox")}
	keep(t, b, letter())
	entries, err := os.ReadDir(b.Dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	for path, want := range map[string]fs.FileMode{b.Dir: 0o700, filepath.Join(b.Dir, entries[0].Name()): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestALetterThatComesTwiceIsThereOnce(t *testing.T) {
	t.Parallel()
	b := &Mailbox{Dir: t.TempDir()}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { keep(t, b, letter()) })
	}
	wg.Wait()
	if list, err := b.List(); err != nil || len(list) != 1 {
		t.Errorf("%d letters, %v", len(list), err)
	}
}

func TestMailboxReadsNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := &Mailbox{Dir: filepath.Join(dir, "mailbox")}
	keep(t, b, letter())
	other := filepath.Join(dir, "20310304T050607.000000Z-x.eml")
	if err := os.WriteFile(other, []byte("To: a@b.c\r\n\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Dir, "notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "x", "../20310304T050607.000000Z-x", "..", "notes.txt", "20310304T050607.000000Z-../../x", "20310304T050607.000000Z-none"} {
		if _, err := b.Get(name); !errors.Is(err, ErrNoLetter) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for n := range mailboxKeeps + 1 {
		keep(t, b, numbered(n+1))
	}
	if _, err := os.Stat(filepath.Join(b.Dir, "notes.txt")); err != nil {
		t.Errorf("a file of somebody else is gone: %v", err)
	}
	if list, err := b.List(); err != nil || len(list) != mailboxKeeps {
		t.Errorf("%d letters, %v", len(list), err)
	}
}

func FuzzReadLetter(f *testing.F) {
	f.Add(string(written(f, letter())))
	f.Add("To: a@b.c\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = readLetter(strings.NewReader(text)) // an error is fine; a panic is not
	})
}
