// Package e2e runs the built binary as its users do: the command line, standard
// clients and a real browser.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
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
	build := exec.Command("go", "build", "-o", path, "guildhall/cmd/guildhall")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// server is a running guildhall.
type server struct {
	data   string
	portal string // from the ready line
	output string // standard output up to the ready line
	cmd    *exec.Cmd
	log    *bytes.Buffer
	ended  chan error
}

// start runs "guildhall serve" on free ports and waits for its ready line.
func start(t *testing.T, data string, args ...string) *server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{data: data, log: &bytes.Buffer{}, ended: make(chan error, 1)}
	all := append([]string{"serve", "--data", data, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--internal", "127.0.0.1:0"}, args...)
	s.cmd = exec.Command(path, all...)
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	ready := make(chan struct{})
	go s.read(bufio.NewScanner(out), ready)
	select {
	case <-ready:
	case err := <-s.ended:
		s.ended <- err
		t.Fatalf("guildhall ended before it was ready: %v\n%s", err, s.log)
	case <-time.After(patience):
		t.Fatalf("guildhall was not ready after %v", patience)
	}
	return s
}

func (s *server) read(lines *bufio.Scanner, ready chan struct{}) {
	var seen strings.Builder
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			s.portal, s.output = url, seen.String()
			close(ready)
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
