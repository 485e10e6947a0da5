package systemd

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// manager listens as systemd does.
func manager(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func hear(t *testing.T, l *net.UnixConn, want string) {
	t.Helper()
	text := make([]byte, 100)
	n, err := l.Read(text)
	if err != nil || string(text[:n]) != want {
		t.Fatalf("the manager hears %q, want %q (%v)", text[:n], want, err)
	}
}

func TestTheManagerIsFound(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name                string
		socket, micros, pid string
		want                Manager
	}{
		{"no manager", "", "", "", Manager{}},
		{"no watchdog", "/run/notify", "", "", Manager{Socket: "/run/notify"}},
		{"a watchdog", "@notify", "2000000", "7", Manager{Socket: "@notify", Patience: 2 * time.Second}},
		{"of all processes", "/run/notify", "2000000", "", Manager{Socket: "/run/notify", Patience: 2 * time.Second}},
		{"of another process", "/run/notify", "2000000", "8", Manager{Socket: "/run/notify"}},
		{"nonsense", "/run/notify", "soon", "7", Manager{Socket: "/run/notify"}},
		{"of a virtual machine", "vsock:2:1234", "2000000", "7", Manager{}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			environment := map[string]string{"NOTIFY_SOCKET": x.socket, "WATCHDOG_USEC": x.micros, "WATCHDOG_PID": x.pid}
			if got := FromEnvironment(func(name string) string { return environment[name] }, 7); got != x.want {
				t.Errorf("%+v, want %+v", got, x.want)
			}
		})
	}
}

func TestTheManagerHears(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	for _, name := range []string{path, "@guildhall-test" + path} {
		l := manager(t, name)
		for _, state := range []string{Ready, Stopping} {
			if err := (Manager{Socket: name}).Tell(state); err != nil {
				t.Fatal(err)
			}
			hear(t, l, state)
		}
	}
	if err := (Manager{}).Tell(Ready); err != nil {
		t.Error("without a manager nobody has to hear: ", err)
	}
	if err := (Manager{Socket: path + "-gone"}).Tell(Ready); err == nil {
		t.Error("a manager that is gone heard it")
	}
}

// TestSilenceWhenSomethingIsWrong: what is not well says nothing, until it is again.
func TestSilenceWhenSomethingIsWrong(t *testing.T) {
	t.Parallel()
	m := Manager{Socket: filepath.Join(t.TempDir(), "notify"), Patience: time.Millisecond}
	l := manager(t, m.Socket)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked, failures := 0, 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.Keep(ctx, func(context.Context) error {
			if asked++; asked == 2 {
				return errors.New("it hangs")
			}
			return nil
		}, func(error) { failures++ })
	}()
	hear(t, l, Alive)
	hear(t, l, Alive)
	cancel()
	<-ended
	if asked < 3 || failures != 1 {
		t.Errorf("asked %d times, %d failures", asked, failures)
	}
}
