package certificate_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
	"guildhall/platform/guildtest"
)

const killDir = "GUILDHALL_TEST_KILL_DIR"

// A process that issues certificates is killed in the middle of it, again and
// again: whatever a client got is in the database, and the audit log is whole.
func TestKilledWhileIssuing(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		issueForever(t, dir)
		return
	}
	t.Parallel()
	dir := t.TempDir()
	var held []string
	for kill := range 50 {
		// Each life is a little longer, so that the kills hit every phase.
		held = append(held, issueAndKill(t, dir, 1+kill*3)...)
	}
	w := catest.New(t, guildtest.Open(t, "sqlite:"+dir+"/ca.db", migrations), catest.Options{Dir: dir})
	for _, serial := range held {
		if _, err := w.Service.Get(t.Context(), serial); err != nil {
			t.Errorf("a client holds %s: %v", serial, err)
		}
	}
	w.VerifyAudit(t)
	head, err := w.Audit.Head(t.Context())
	must(t, err)
	counts, err := w.Store.Counts(t.Context(), time.Now())
	must(t, err)
	if head.Size != counts.Valid || len(held) < 500 {
		t.Errorf("%d audit entries, %d certificates, %d of them with clients", head.Size, counts.Valid, len(held))
	}
	t.Logf("%d certificates, %d of them with clients when their issuer was killed", counts.Valid, len(held))
}

// issueForever issues until it is killed, and tells every serial number that it
// hands out.
func issueForever(t *testing.T, dir string) {
	w := catest.New(t, guildtest.Open(t, "sqlite:"+dir+"/ca.db", migrations), catest.Options{Dir: dir})
	var wg sync.WaitGroup
	for range 8 {
		csr := catest.CSR(t, catest.NewKey(t), "a.example.com")
		wg.Go(func() {
			for {
				issued := w.Issue(t, certificate.IssueRequest{CSR: csr})
				// One write a line: the lines of several goroutines do not mix.
				_, _ = fmt.Fprintf(os.Stdout, "\nissued %s\n", store.SerialText(parse(t, issued).SerialNumber))
			}
		})
	}
	wg.Wait()
}

// issueAndKill reads what a child process hands out and kills it after so many.
func issueAndKill(t *testing.T, dir string, after int) (serials []string) {
	t.Helper()
	child := guildtest.Again(t, killDir+"="+dir)
	out, err := child.StdoutPipe()
	must(t, err)
	var complaints strings.Builder
	child.Stderr = &complaints
	must(t, child.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if serial, ok := strings.CutPrefix(lines.Text(), "issued "); ok {
			serials = append(serials, serial)
		}
		if len(serials) == after {
			must(t, child.Process.Kill())
			break
		}
	}
	// What was in the pipe when it died was handed out too.
	rest, err := io.ReadAll(out)
	must(t, err)
	for line := range strings.Lines(string(rest)) {
		if serial, ok := strings.CutPrefix(line, "issued "); ok && strings.HasSuffix(line, "\n") {
			serials = append(serials, strings.TrimSpace(serial))
		}
	}
	_ = child.Wait() // killed
	if len(serials) < after {
		t.Fatalf("the child issued only %d certificates: %s %s", len(serials), complaints.String(), rest)
	}
	return serials
}
