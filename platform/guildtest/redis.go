package guildtest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Redis is a throwaway Valkey or Redis server that keeps nothing on disk. It ends
// with the test, or with the test binary, however that ends.
type Redis struct {
	dir     string
	options []string
	cmd     *exec.Cmd // the running server; nil: there is none
}

// NewRedis starts a server on a unix socket in its own folder. More options are
// those of its configuration: "--requirepass", "secret".
func NewRedis(t testing.TB, options ...string) *Redis {
	t.Helper()
	dir, err := os.MkdirTemp("", "guildhall-redis-") //nolint:usetesting // a socket has 108 bytes for its path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &Redis{dir: dir, options: append([]string{"--port", "0", "--unixsocket", filepath.Join(dir, "sock"), "--save", "", "--appendonly", "no", "--dir", dir}, options...)}
	r.watch(t)
	t.Cleanup(func() { r.Kill(t) })
	r.Start(t)
	return r
}

// URL is its address, with "user:password@" or "" before the path of its socket.
func (r *Redis) URL(user string) string { return "unix://" + user + r.Socket() }

// Socket is the path of its unix socket.
func (r *Redis) Socket() string { return filepath.Join(r.dir, "sock") }

// Start starts a killed server under the same address. It knows nothing of before.
func (r *Redis) Start(t testing.TB) {
	t.Helper()
	program, err := findRedis()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, r.options...) //nolint:gosec // the server's own program
	// A session of its own: what a terminal sends to the test spares it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.cmd = cmd
	r.note(t, strconv.Itoa(cmd.Process.Pid))
	lines, said := bufio.NewScanner(out), strings.Builder{}
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(strings.ToLower(lines.Text()), "ready to accept connections") {
			go func() {
				for lines.Scan() { // a full pipe would stop it
				}
			}()
			return
		}
	}
	r.Kill(t)
	t.Fatalf("%s did not start:\n%s", program, said.String())
}

// Kill ends the server as kill -9 does; it may be called twice.
func (r *Redis) Kill(t testing.TB) {
	t.Helper()
	if r.cmd == nil {
		return
	}
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("kill the server: %v", err)
	}
	_ = r.cmd.Wait() // it was killed
	r.cmd = nil
	r.note(t, "")
}

// Pause has the server answer nothing, while its connections stay, until Resume.
func (r *Redis) Pause(t testing.TB) { r.signal(t, syscall.SIGSTOP) }

// Resume has a paused server go on.
func (r *Redis) Resume(t testing.TB) { r.signal(t, syscall.SIGCONT) }

func (r *Redis) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// note tells the watchdog whom to kill.
func (r *Redis) note(t testing.TB, pid string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "pid"), []byte(pid), 0o600); err != nil {
		t.Error(err)
	}
}

// watch starts a shell that waits until the pipe to it closes, which the kernel
// does when this process ends, and then kills the server and removes its folder.
func (r *Redis) watch(t testing.TB) {
	t.Helper()
	in, lifeline, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `read -r _; pid=$(cat "$1/pid") && [ -n "$pid" ] && kill -9 "$pid"; rm -rf "$1"`, "sh", r.dir) //nolint:gosec // the folder is ours
	cmd.Stdin, cmd.Dir, cmd.SysProcAttr = in, "/", &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	t.Cleanup(func() { _, _ = lifeline.Close(), cmd.Wait() })
}

// FreePort is a port of 127.0.0.1 that nobody listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func findRedis() (string, error) {
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("a Valkey or Redis server is needed for this test and was not found. Run: apt-get install redis-server")
}
