// Package e2e runs the built binary as its users do: the command line, standard
// clients and a real browser.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a process; the race detector is slow.
const patience = 90 * time.Second

// binary builds guildhall once for the whole test program.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "guildhall-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "guildhall")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "guildhall/cmd/guildhall") // as the Dockerfile does: built once for both
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := runService(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// server is a running process.
type server struct {
	data   string
	portal string // from the ready line
	output string // standard output up to the ready line
	cmd    *exec.Cmd
	log    *logBuffer
	ready  chan struct{} // closed by the ready line
	ended  chan error    // holds how it ended, once it has
}

// logBuffer is written by the process and read by the test.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is the log so far.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start runs "guildhall serve" on free ports and waits for its ready line.
func start(t *testing.T, data string, args ...string) *server {
	t.Helper()
	all := []string{"serve", "--data", data, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--internal", "127.0.0.1:0"}
	return startArgs(t, data, append(all, args...)...)
}

// startArgs runs any serve command on the data directory.
func startArgs(t *testing.T, data string, args ...string) *server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := launch(t, exec.Command(path, args...), data)
	s.await(t)
	return s
}

// launch starts the command, which ends with the test at the latest.
func launch(t *testing.T, cmd *exec.Cmd, data string) *server {
	t.Helper()
	s := &server{data: data, cmd: cmd, log: &logBuffer{}, ready: make(chan struct{}), ended: make(chan error, 1)}
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	go s.read(bufio.NewScanner(out))
	return s
}

// await waits for the ready line.
func (s *server) await(t *testing.T) {
	t.Helper()
	select {
	case <-s.ready:
	case err := <-s.ended:
		s.ended <- err
		t.Fatalf("the process ended before it was ready: %v\n%s", err, s.log)
	case <-time.After(patience):
		t.Fatalf("the process was not ready after %v\n%s", patience, s.log)
	}
}

func (s *server) read(lines *bufio.Scanner) {
	var seen strings.Builder
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			s.portal, s.output = url, seen.String()
			close(s.ready)
		}
		seen.WriteString(lines.Text() + "\n")
	}
	s.ended <- s.cmd.Wait()
}

// stop sends SIGTERM and waits; it may be called twice.
func (s *server) stop(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		s.ended <- err
		if err != nil && s.cmd.ProcessState.ExitCode() > 0 {
			t.Errorf("guildhall ended with %v\n%s", err, s.log)
		}
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		t.Errorf("guildhall did not stop within %v\n%s", patience, s.log)
	}
}

// kill ends the process as kill -9 does, and waits for it.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Errorf("kill: %v", err)
	}
	err := <-s.ended
	s.ended <- err
}

// guildhall runs one command and returns its output and exit code.
func guildhall(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed and returns its standard output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := guildhall(t, args...)
	if code != 0 {
		t.Fatalf("guildhall %s: exit %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}
