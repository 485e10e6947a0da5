package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/ca"
)

// load is clients that ask for certificates at the same time.
type load struct {
	mu     sync.Mutex
	serial []string // of certificates that a client got
	failed []error  // what they got instead
	work   sync.WaitGroup
	end    chan struct{}
	after  func(held int) // hears of every certificate
}

// issue starts so many clients, each of which asks until close, or until
// patient is false and a request fails.
func (l *load) issue(t *testing.T, client *ca.Client, clients int, patient bool) {
	l.end = make(chan struct{})
	for n := range clients {
		l.work.Go(func() {
			for !l.over() {
				issued, err := client.Issue(t.Context(), ca.IssueRequest{CommonName: fmt.Sprintf("client%d.example.com", n)})
				if l.note(issued, err); err != nil && !patient {
					return
				}
			}
		})
	}
}

func (l *load) over() bool {
	select {
	case <-l.end:
		return true
	default:
		return false
	}
}

func (l *load) note(issued *ca.Issued, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = append(l.failed, err)
		return
	}
	l.serial = append(l.serial, issued.Certificate.Serial)
	if l.after != nil {
		l.after(len(l.serial))
	}
}

func (l *load) count() (held, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.serial), len(l.failed)
}

// close ends the clients and waits for them.
func (l *load) close() {
	close(l.end)
	l.work.Wait()
}

// The process is killed while clients ask for certificates: what a client got
// is in the list, the audit log is whole and the next start works.
func TestKilledWhileIssuing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var held []string
	for life := range 5 {
		s := start(t, data)
		// Each life is a little longer, so that the kills hit every phase.
		held = append(held, issueUntilKilled(t, s, 5+life*20)...)
	}
	s := start(t, data)
	must(t, "status", "--data", data)
	s.holds(t, held)
	must(t, "ca", "issue", "--data", data, "--name", "after.example.com", "--out", filepath.Join(t.TempDir(), "after"))
}

func issueUntilKilled(t *testing.T, s *server, after int) []string {
	t.Helper()
	enough := make(chan struct{})
	l := &load{after: func(held int) {
		if held == after {
			close(enough)
		}
	}}
	l.issue(t, s.api(t), 6, false)
	select {
	case <-enough:
	case <-time.After(patience):
		t.Errorf("there were not %d certificates after %v", after, patience)
	}
	s.kill(t)
	l.close()
	for _, err := range l.failed {
		if p, ok := errors.AsType[*ca.Problem](err); ok {
			t.Errorf("a client was refused: %v", p)
		}
	}
	return l.serial
}

// On a full disk the API says what is wrong, a backup leaves nothing half
// written, and the service goes on by itself once there is space.
func TestDiskFull(t *testing.T) {
	guildtest.OnSmallDisk(t, 24<<20, func(t *testing.T, dir string) {
		data := filepath.Join(dir, "data")
		s := start(t, data)
		client := s.api(t)
		before := backups(t, data)
		filler := filepath.Join(dir, "filler")
		fill(t, dir, filler, 256<<10)

		held := issueUntilFull(t, client)
		fill(t, dir, filler+"2", 0)
		_, errs, code := guildhall(t, "backup", "--data", data)
		if code != 1 || !strings.Contains(errs, "is full") {
			t.Errorf("backup on a full disk: exit %d, %s", code, errs)
		}
		if after := backups(t, data); !slices.Equal(after, before) {
			t.Errorf("backups were %v, and are %v after one that failed", before, after)
		}

		for _, file := range []string{filler, filler + "2"} {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		issued, err := client.Issue(t.Context(), ca.IssueRequest{CommonName: "space.example.com"})
		if err != nil {
			t.Fatalf("there is space again: %v", err)
		}
		must(t, "status", "--data", data)
		s.holds(t, append(held, issued.Certificate.Serial))
		must(t, "backup", "--data", data)
	})
}

// issueUntilFull asks until the answer is that the disk is full.
func issueUntilFull(t *testing.T, client *ca.Client) (held []string) {
	t.Helper()
	for range 5000 {
		issued, err := client.Issue(t.Context(), ca.IssueRequest{CommonName: "fills.example.com"})
		if err == nil {
			held = append(held, issued.Certificate.Serial)
			continue
		}
		p, ok := errors.AsType[*ca.Problem](err)
		if !ok || p.Status != 503 || p.Code != "disk_full" || !strings.Contains(p.Detail, "Free some space") {
			t.Fatalf("on a full disk: %#v", err)
		}
		return held
	}
	t.Fatal("the disk was never full")
	return nil
}

// fill writes a file that leaves so many bytes free.
func fill(t *testing.T, dir, file string, leave int64) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	size := int64(disk.Bavail)*disk.Bsize - leave
	if err := os.WriteFile(file, make([]byte, max(0, size)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// backups are the files in the directory of backups, whatever their names.
func backups(t *testing.T, data string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(data, "backups"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
