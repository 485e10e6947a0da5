// Package directorytest is the directory that tests import from: a real Active
// Directory domain controller (Samba) on a loopback address of its own.
package directorytest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The domain, and its administrator's password.
const (
	Domain   = "corp.example.com"
	BaseDN   = "DC=corp,DC=example,DC=com"
	AdminDN  = "CN=Administrator,CN=Users," + BaseDN
	Password = "Adm1n-Secret-42"
)

// Samba is a domain controller.
type Samba struct {
	// Address is the loopback address at which it answers on ports 389 and 636.
	Address string
	// CA is the PEM certificate of the authority that signed its own.
	CA       string
	dir      string
	lifeline *os.File // the watchdog stops it when this closes
}

var shared = sync.OnceValues(start)

// Shared is a domain controller that the test binary makes once, and that ends with
// it, however it ends. Tests have units of their own in it.
func Shared(t testing.TB) *Samba {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start() (*Samba, error) {
	if os.Getuid() != 0 {
		return nil, errors.New("a domain controller needs root for its ports: run these tests as root")
	}
	program, err := exec.LookPath("samba")
	if err != nil {
		return nil, errors.New("samba is needed for this test and was not found: run scripts/need.sh")
	}
	dir, err := os.MkdirTemp("", "guildhall-ad-")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &Samba{Address: address, dir: dir}
	if err := s.provision(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	if err := s.configure(); err != nil {
		return nil, err
	}
	log := filepath.Join(dir, "log")
	s.lifeline, err = watch(dir, log, program, "-s", filepath.Join(dir, "smb.conf"), "--foreground", "--no-process-group", "-M", "single")
	if err != nil {
		return nil, err
	}
	return s, answers(net.JoinHostPort(address, "636"), log)
}

// freeAddress is a loopback address at which nobody listens for LDAP.
func freeAddress() (string, error) {
	for range 100 {
		var b [3]byte
		_, _ = rand.Read(b[:])
		address := fmt.Sprintf("127.%d.%d.%d", 16+b[0]%200, b[1], 2+b[2]%250)
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(address, "389"))
		if err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no loopback address is free for a directory")
}

// provision makes the domain; it takes some seconds.
func (s *Samba) provision() error {
	cmd := exec.CommandContext(context.Background(), "samba-tool", "domain", "provision", "--configfile=/dev/null", "--targetdir="+s.dir, //nolint:gosec // Samba's own program
		"--realm="+strings.ToUpper(Domain), "--domain=CORP", "--server-role=dc", "--dns-backend=NONE", "--host-name=dc1", "--host-ip="+s.Address, "--adminpass="+Password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("provision a domain: %w\n%s", err, out)
	}
	return nil
}

func (s *Samba) configure() error {
	var err error
	if s.CA, err = Certify(s.dir, "dc1."+Domain, s.Address); err != nil {
		return err
	}
	conf := fmt.Sprintf(`[global]
netbios name = DC1
workgroup = CORP
realm = %[3]s
server role = active directory domain controller
server services = ldap
interfaces = %[2]s/8
bind interfaces only = yes
disable netbios = yes
ldap server require strong auth = no
tls certfile = %[1]s/tls.crt
tls keyfile = %[1]s/tls.key
tls cafile = %[1]s/ca.crt
private dir = %[1]s/private
state directory = %[1]s/state
cache directory = %[1]s/cache
lock directory = %[1]s
binddns dir = %[1]s/bind-dns
pid directory = %[1]s/run
ncalrpc dir = %[1]s/run/ncalrpc
ntp signd socket directory = %[1]s/run/ntp
`, s.dir, s.Address, strings.ToUpper(Domain))
	return os.WriteFile(filepath.Join(s.dir, "smb.conf"), []byte(conf), 0o600)
}

// watch starts a server, and a shell that waits until the pipe to it closes, which
// the kernel does when this process ends, and then stops the server and removes its
// folder.
func watch(dir, log, program string, args ...string) (lifeline *os.File, err error) {
	if err := os.MkdirAll(filepath.Join(dir, "run"), 0o700); err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	const script = `dir=$1; shift; "$@" </dev/null & server=$!; read -r _; kill "$server"; wait "$server"; cd /; rm -rf "$dir"`
	cmd := exec.CommandContext(context.Background(), "/bin/sh", append([]string{"-c", script, "sh", dir, program}, args...)...) //nolint:gosec // a server's own program
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Dir = r, out, out, dir
	// A session of its own: what kills the test's process group spares it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() { _ = cmd.Wait() }()
	return w, errors.Join(r.Close(), out.Close())
}

// answers waits until somebody listens.
func answers(address, log string) error {
	var err error
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(50 * time.Millisecond) { // a server of another process has no event to wait for
		var conn net.Conn
		if conn, err = (&net.Dialer{}).DialContext(context.Background(), "tcp", address); err == nil {
			return conn.Close()
		}
	}
	text, _ := os.ReadFile(log)
	return fmt.Errorf("the directory does not answer: %w\n%s", err, text)
}
