package app

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"guildhall/platform/systemd"
)

// TestTheServiceManagerHears: that the process is ready, lives and stops, in this order.
func TestTheServiceManagerHears(t *testing.T) {
	t.Parallel()
	m := systemd.Manager{Socket: filepath.Join(t.TempDir(), "notify"), Patience: 2 * time.Millisecond}
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.Socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	heard := make(chan []string)
	go func() { // all the time: a full queue would make the process wait
		var all []string
		text := make([]byte, 100)
		for {
			n, err := l.Read(text)
			if state := string(text[:n]); err != nil || state == systemd.Stopping {
				heard <- append(all, state)
				return
			} else if all = append(all, state); len(all) == 3 {
				heard <- all
			}
		}
	}()
	p := runUnder(t, m, t.TempDir(), func(*Definition) {})
	if first := <-heard; first[0] != systemd.Ready || first[1] != systemd.Alive || first[2] != systemd.Alive {
		t.Errorf("at the start: %v", first)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if all := <-heard; all[len(all)-1] != systemd.Stopping {
		t.Errorf("at the end: %v", all[len(all)-1])
	}
}
