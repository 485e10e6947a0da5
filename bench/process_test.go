package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a process.
const patience = time.Minute

// binary builds guildhall once, as "make build" does.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "guildhall-bench-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "guildhall")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "guildhall/cmd/guildhall")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if os.Getenv(subscriberEnv) != "" {
		os.Exit(subscribe(os.Getenv(subscriberEnv)))
	}
	if os.Getenv(bareEnv) != "" {
		os.Exit(serveBare())
	}
	if os.Getenv(guardEnv) != "" {
		os.Exit(standGuard(os.Getenv(guardEnv)))
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// server is a running guildhall with the certificate authority in it.
type server struct {
	data, database          string
	plain, public, internal string // host:port
	ready                   time.Duration
	cmd                     *exec.Cmd
	log                     *bytes.Buffer
	ended                   chan error
}

// serve starts the binary on a data directory and waits for its ready line. An
// empty database is SQLite in the directory.
func serve(b *testing.B, data, database string) *server {
	b.Helper()
	s := &server{data: data, database: database, plain: free(b), public: free(b), internal: free(b)}
	s.start(b)
	return s
}

// start starts a stopped server, at its addresses.
func (s *server) start(b *testing.B) {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	s.log, s.ended = &bytes.Buffer{}, make(chan error, 1)
	s.cmd = exec.Command(path, "serve", "--data", s.data, "--http", s.plain, "--https", s.public, "--internal", s.internal)
	s.cmd.Env = append(os.Environ(), "GUILDHALL_LOG_LEVEL=warn", "GUILDHALL_DATABASES_DEFAULT="+s.database, "GUILDHALL_CA_SERVICES="+joining())
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.stop(b) })
	ready := make(chan struct{})
	go func(cmd *exec.Cmd, ended chan<- error) {
		awaitReady(bufio.NewScanner(out), ready)
		ended <- cmd.Wait()
	}(s.cmd, s.ended)
	select {
	case <-ready:
		s.ready = time.Since(began)
	case err := <-s.ended:
		s.ended <- err
		b.Fatalf("guildhall ended before it was ready: %v\n%s", err, s.log)
	case <-time.After(patience):
		b.Fatalf("guildhall was not ready after %v", patience)
	}
}

// awaitReady closes ready at the ready line and reads on to the end.
func awaitReady(lines *bufio.Scanner, ready chan<- struct{}) {
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready ") {
			close(ready)
		}
	}
}

// free is an address that nobody listens on.
func free(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// stop ends the process; it may be called twice.
func (s *server) stop(b *testing.B) {
	b.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		s.ended <- err
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		b.Errorf("guildhall did not stop within %v\n%s", patience, s.log)
	}
}

// run runs one command of the binary on the server's data directory.
func (s *server) run(b *testing.B, args ...string) string {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(path, append(args, "--data", s.data)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("guildhall %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// resident is the memory of the process that is in RAM, in bytes.
func (s *server) resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib * 1024
		}
	}
	b.Fatal("the process says nothing of its memory")
	return 0
}
