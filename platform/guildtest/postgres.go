package guildtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// shared is the cluster that Postgres hands out databases of: starting one
// takes two seconds, so a test binary has one.
var shared = sync.OnceValues(startCluster)

// Postgres is the address of a fresh database on a throwaway PostgreSQL that
// the test binary starts once, and that stops when the binary ends, however it
// ends. The user "postgres" needs no password.
func Postgres(t testing.TB) string {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return c.Database(t)
}

// Cluster is a throwaway PostgreSQL that speaks on a unix socket in its own
// folder, with fsync on, so that what a test sees of commits is true.
type Cluster struct {
	bin, dir string
	owner    *syscall.Credential // nil: as the test itself
	count    atomic.Int64
	lifeline *os.File // the watchdog stops the cluster when this closes
}

// NewCluster starts a cluster of the test's own, for tests that stop it.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c, err := startCluster()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.lifeline.Close() })
	return c
}

// Database makes an empty database, dropped when the test ends, and returns its
// address.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d", c.count.Add(1))
	if err := c.admin(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make database: %v", err)
	}
	t.Cleanup(func() {
		if err := c.admin(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Logf("drop database: %v", err)
		}
	})
	return c.url(name)
}

func (c *Cluster) url(database string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(c.dir)
}

func (c *Cluster) admin(ctx context.Context, query string) error {
	pool, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	_, err = pool.ExecContext(ctx, query)
	return err
}

// Stop stops the cluster: mode "fast" ends its sessions in order, "immediate"
// is a crash.
func (c *Cluster) Stop(mode string) error {
	return c.run("pg_ctl", "stop", "-w", "-D", c.data(), "-m", mode)
}

// Start starts a stopped cluster under the same address.
func (c *Cluster) Start() error {
	// -F is not given: fsync stays on.
	options := "-k " + c.dir + " -c listen_addresses= -c max_connections=300 -c shared_buffers=64MB -c lc_messages=C"
	return c.run("pg_ctl", "start", "-w", "-t", "120", "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-o", options)
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func startCluster() (*Cluster, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "guildhall-pg-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir}
	if err := c.dropRoot(); err != nil {
		return nil, err
	}
	if err := c.watch(); err != nil {
		return nil, err
	}
	err = c.run("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if err != nil {
		return nil, err
	}
	return c, c.Start()
}

func findPostgres() (bin string, err error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(dirs)
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append([]string{filepath.Dir(path)}, dirs...)
		}
	}
	for _, dir := range dirs {
		if _, err := exec.LookPath(filepath.Join(dir, "pg_ctl")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("PostgreSQL is needed for this test and was not found. Run: apt-get install postgresql")
}

// dropRoot picks an unprivileged user when we are root, as whom PostgreSQL
// refuses to run, and gives it the folder.
func (c *Cluster) dropRoot() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return fmt.Errorf("find an unprivileged user for PostgreSQL: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	c.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(c.dir, int(uid), int(gid))
}

// watch starts a shell that waits until the pipe to it closes, which the kernel
// does when this process ends, and then stops the cluster and removes it.
func (c *Cluster) watch() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", `read -r _; "$1/pg_ctl" stop -D "$2/data" -m immediate; cd /; rm -rf "$2"`, "sh", c.bin, c.dir) //nolint:gosec // PostgreSQL's own program
	cmd.Stdin, cmd.Dir = r, c.dir
	// A session of its own: what kills the test's process group spares it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: c.owner}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the watchdog: %w", err)
	}
	c.lifeline = w
	go func() { _ = cmd.Wait() }() // reaps it when NewCluster's test ends
	return r.Close()
}

func (c *Cluster) run(program string, args ...string) error {
	// A file, not a pipe: the server keeps it open after pg_ctl has returned.
	log := filepath.Join(c.dir, "setup.log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(filepath.Join(c.bin, program), args...) //nolint:gosec // PostgreSQL's own programs
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, out, out
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "PG") }), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log)
		return fmt.Errorf("%s: %w\n%s", program, err, text)
	}
	return nil
}
